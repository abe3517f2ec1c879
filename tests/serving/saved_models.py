"""Small SavedModels: one signature for each way in which tensors go in and out, and TF Serving's own test models."""

from pathlib import Path
from typing import Any

from serving.server.silent_tensorflow import tf

v1 = tf.compat.v1
PREDICT, CLASSIFY, REGRESS = (f"tensorflow/serving/{name}" for name in ("predict", "classify", "regress"))


class Zoo(tf.Module):
    """One signature for each way in which tensors can go in and out."""

    def __init__(self) -> None:
        super().__init__()
        self.half = tf.Variable(0.5)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def half_plus_two(self, x: Any) -> Any:
        return {"y": x * self.half + 2.0}

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, "x")])
    def matrix(self, x: Any) -> Any:
        return {"y": x + 1.0, "row_sum": tf.reduce_sum(x, 1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def shout(self, text: Any) -> Any:
        return {"upper": tf.strings.upper(text), "raw_bytes": text, "length": tf.strings.length(text)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "a"), tf.TensorSpec([None], tf.int32, "b")])
    def two_inputs(self, a: Any, b: Any) -> Any:
        return {"difference": a - tf.cast(b, tf.float32)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def total(self, x: Any) -> Any:
        return {"total": tf.reduce_sum(x)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def uneven(self, x: Any) -> Any:
        return {"all": x, "tail": x[1:]}

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32, "x")])
    def scalar(self, x: Any) -> Any:
        return {"twice": x * 2.0}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def reciprocal(self, x: Any) -> Any:
        return {"y": 1.0 / x}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def positive(self, x: Any) -> Any:
        with tf.control_dependencies([tf.debugging.assert_positive(x, message="x must be positive")]):
            return {"y": tf.identity(x)}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], kind, kind.name)
            for kind in (tf.bool, tf.float64, tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint32, tf.uint64)
        ]
    )
    def kinds(self, *values: Any) -> Any:
        return {value.dtype.name: tf.identity(value) for value in values}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float16, "x")])
    def half_floats(self, x: Any) -> Any:
        return {"y": x + 1.0}

    def signatures(self) -> dict[str, Any]:
        others = [
            self.matrix,
            self.shout,
            self.two_inputs,
            self.total,
            self.uneven,
            self.scalar,
            self.reciprocal,
            self.positive,
            self.kinds,
            self.half_floats,
        ]
        return {"serving_default": self.half_plus_two} | {function.__name__: function for function in others}


class Adder(tf.Module):
    """Adds `amount`: tells the versions of a model apart by their answers."""

    def __init__(self, amount: float):
        super().__init__()
        self.amount = tf.Variable(amount)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def add(self, x: Any) -> Any:
        return {"y": x + self.amount}


def save_zoo(path: Path) -> None:
    """The signatures of `Zoo`."""
    zoo = Zoo()
    tf.saved_model.save(zoo, str(path), signatures=zoo.signatures())


class HalfPlusThree(tf.Module):
    """y = x / 2 + 3 as TensorFlow 2 saves it: all signatures are of predict's method, those on examples too."""

    def __init__(self) -> None:
        super().__init__()
        self.half = tf.Variable(0.5)

    def _parsed(self, inputs: Any) -> Any:
        return tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def half_plus_three(self, x: Any) -> Any:
        return {"y": x * self.half + 3.0}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
    def regress(self, inputs: Any) -> Any:
        return {"outputs": self._parsed(inputs) * self.half + 3.0}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
    def classify(self, inputs: Any) -> Any:
        y = self._parsed(inputs) * self.half + 3.0
        return {"classes": tf.tile([["y", "-y"]], [tf.shape(y)[0], 1]), "scores": tf.concat([y, -y], 1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
    def features(self, inputs: Any) -> Any:
        kinds = {"bytes": tf.io.FixedLenFeature([2], tf.string), "numbers": tf.io.FixedLenFeature([4], tf.int64)}
        parsed = tf.io.parse_example(inputs, kinds)
        codes = tf.io.decode_raw(parsed["bytes"], tf.uint8)
        decimal = tf.strings.reduce_join(tf.strings.as_string(tf.cast(codes, tf.int32), fill="0", width=3), -1)
        return {"classes": tf.concat([decimal, tf.as_string(parsed["numbers"])], 1)}


def save_half_plus_three(path: Path) -> None:
    """Predict, classify and regress, made by TensorFlow 2."""
    model = HalfPlusThree()
    signatures = {
        "serving_default": model.half_plus_three,
        "regress_x_to_y": model.regress,
        "classify_x_to_y": model.classify,
        "features": model.features,
    }
    tf.saved_model.save(model, str(path), signatures=signatures)


def save_half_plus_two(path: Path) -> None:
    """y = x / 2 + 2 with the signatures of TF Serving's saved_model_half_plus_two, made by TensorFlow 1's builder.

    Such graphs with ParseExample do not load eagerly.
    """
    with tf.Graph().as_default(), v1.Session() as session:
        examples, others = (v1.placeholder(tf.string, [None], name) for name in ("tf_example", "other_example"))
        features = {"x": v1.FixedLenFeature([1], tf.float32)}
        x = tf.identity(v1.parse_example(examples, features)["x"], "x")
        x2 = v1.parse_example(others, {"x2": v1.FixedLenFeature([1], tf.float32)})["x2"]
        a = v1.get_variable("a", initializer=0.5)
        y, y2, y3 = a * x + 2.0, a * x + 3.0, a * x2 + 3.0
        labels = tf.as_string(y, precision=1)
        session.run(v1.global_variables_initializer())
        _build(
            path,
            session,
            {
                "serving_default": ({"x": x}, {"y": y}, PREDICT),
                "regress_x_to_y": ({"inputs": examples}, {"outputs": y}, REGRESS),
                "regress_x_to_y2": ({"inputs": examples}, {"outputs": tf.reshape(y2, [-1])}, REGRESS),
                "regress_x2_to_y3": ({"inputs": others}, {"outputs": y3}, REGRESS),
                "classify_x_to_y": ({"inputs": examples}, {"scores": y}, CLASSIFY),
                "classify_x_to_labels": ({"inputs": examples}, {"classes": labels}, CLASSIFY),
            },
        )


def save_odd(path: Path) -> None:
    """Signatures for classify and regress that are wrong, each in a way of its own."""
    with tf.Graph().as_default(), v1.Session() as session:
        examples, number = v1.placeholder(tf.string, [None], "examples"), v1.placeholder(tf.float32, [None], "number")
        column = tf.zeros_like(examples, tf.float32)[:, tf.newaxis]
        scores, classes = tf.tile(column, [1, 2]), tf.tile(examples[:, tf.newaxis], [1, 2])
        draw = tf.random.uniform(tf.shape(column))
        inputs = {"inputs": examples}
        classified = {
            "two_inputs": (inputs | {"more": number}, {"scores": scores}),
            "three_outputs": (inputs, {"scores": scores, "classes": classes, "more": scores}),
            "other_input": ({"examples": examples}, {"scores": scores}),
            "other_output": (inputs, {"probabilities": scores}),
            "number_input": ({"inputs": number}, {"scores": number[:, tf.newaxis]}),
            "flat_classes": (inputs, {"classes": tf.identity(examples)}),
            "flat_scores": (inputs, {"scores": tf.zeros_like(examples, tf.float32)}),
            "number_classes": (inputs, {"classes": tf.cast(scores, tf.int64)}),
            "double_scores": (inputs, {"scores": tf.cast(scores, tf.float64)}),
            "fewer_classes": (inputs, {"classes": classes[1:]}),
            "fewer_scores": (inputs, {"scores": scores[1:]}),
            "fewer_labels": (inputs, {"scores": scores, "classes": classes[:, :1]}),
        }
        regressed = {
            "two_outputs": (inputs, {"outputs": column, "more": column}),
            "other_regress_input": ({"examples": examples}, {"outputs": column}),
            "other_regress_output": (inputs, {"y": column}),
            "wide_outputs": (inputs, {"outputs": scores}),
            "fewer_outputs": (inputs, {"outputs": column[1:]}),
            "int_outputs": (inputs, {"outputs": tf.cast(column, tf.int32)}),
            "random": (inputs, {"outputs": draw}),
            "random_again": (inputs, {"outputs": draw}),
            "nan_outputs": (inputs, {"outputs": column / 0.0}),
        }
        signatures = {name: (*io, CLASSIFY) for name, io in classified.items()}
        signatures |= {name: (*io, REGRESS) for name, io in regressed.items()}
        signatures["alien"] = ({"x": number}, {"y": number}, "some/other/method")
        _build(path, session, signatures)


def _build(path: Path, session: Any, signatures: dict[str, Any]) -> None:
    build, info = v1.saved_model.signature_def_utils.build_signature_def, v1.saved_model.utils.build_tensor_info
    builder = v1.saved_model.builder.SavedModelBuilder(str(path))
    builder.add_meta_graph_and_variables(
        session,
        ["serve"],
        {
            name: build(
                {alias: info(tensor) for alias, tensor in inputs.items()},
                {alias: info(tensor) for alias, tensor in outputs.items()},
                method,
            )
            for name, (inputs, outputs, method) in signatures.items()
        },
    )
    builder.save()


def save_adder(path: Path, amount: float) -> None:
    """One version of a model that adds `amount`."""
    adder = Adder(amount)
    tf.saved_model.save(adder, str(path), signatures={"serving_default": adder.add})
