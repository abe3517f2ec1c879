"""What every classify loss must keep: each goes through all of these. A new one is a line in each of the two tables."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import keras
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from components.losses.arcface import additive_angular_margin
from components.losses.center import center_distance
from components.losses.contrastive import supervised_contrastive
from components.losses.cross_entropy import smoothed_cross_entropy
from components.losses.objective import Objective
from components.losses.settings import (
    ArcFaceSettings,
    CenterSettings,
    CircleSettings,
    ContrastiveSettings,
    PairsSettings,
    SoftmaxSettings,
)
from tests.components.losses.gradients import Loss, finite_differences, value_and_gradient

ROWS, CLASSES, DIMENSIONS = 6, 3, 4
LABELS = np.array([1, 0, 2, 1, 1, 0])
CENTERS = np.random.default_rng(9).normal(size=(CLASSES, DIMENSIONS))


def arcface(labels: Any, features: Any) -> Any:
    """The mathematics of `ArcFace`: the first columns as cosines."""
    cosines = additive_angular_margin(labels, tf.tanh(features))
    return smoothed_cross_entropy(labels, 5 * cosines, smoothing=0.0)


# (labels[B], values[B, D]) -> losses[B]
FUNCTIONS: dict[str, Loss] = {
    "cross_entropy": partial(smoothed_cross_entropy, smoothing=0.0),
    "smoothed_cross_entropy": partial(smoothed_cross_entropy, smoothing=0.3),
    "center": lambda labels, features: center_distance(labels, features, CENTERS),
    "contrastive": partial(supervised_contrastive, temperature=0.5),
    "arcface": arcface,
}
# settings and what they promise to name
OBJECTIVES: dict[str, tuple[Any, dict[str, float]]] = {
    "softmax": (SoftmaxSettings(type="softmax"), {"cross_entropy": 1.0}),
    "center": (CenterSettings(type="center"), {"cross_entropy": 1.0, "center": 0.2}),
    "center-rate": (CenterSettings(type="center", rate=0.5, weight=0.3), {"cross_entropy": 1.0, "center": 0.3}),
    "contrastive": (
        ContrastiveSettings(type="supervised_contrastive", weight=2.0),
        {"cross_entropy": 1.0, "contrastive": 2.0},
    ),
    "pairs": (
        PairsSettings(type="softmax_with_pairs", pairs=CircleSettings(type="circle", scale=8.0), weight=0.5),
        {"cross_entropy": 1.0, "pairs": 0.5},
    ),
    "arcface": (ArcFaceSettings(type="arcface", scale=5.0), {"cross_entropy": 1.0}),
}
every_function = pytest.mark.parametrize("loss", FUNCTIONS.values(), ids=list(FUNCTIONS))
every_objective = pytest.mark.parametrize("objective", list(OBJECTIVES), indirect=True)


@pytest.fixture
def objective(request: pytest.FixtureRequest) -> Objective:
    keras.utils.set_random_seed(4)
    settings, _ = OBJECTIVES[request.param]
    return settings.build(CLASSES, DIMENSIONS)


@pytest.fixture
def half_precision() -> Iterator[None]:
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy("float32")


def random_features(seed: int = 0, dtype: Any = np.float64) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(ROWS, DIMENSIONS)).astype(dtype)


def of_terms(objective: Objective, training: bool = False) -> Loss:
    """The total as a function of labels and features."""
    return lambda labels, features: objective.total(objective.terms(features, labels, training))


def close(found: dict[str, Any], expected: dict[str, Any], rtol: float = 1e-5) -> None:
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=rtol, atol=1e-6, err_msg=name)


# --- the mathematics -------------------------------------------------------------------------------------------------


@every_function
def test_the_gradient_is_that_of_finite_differences(loss: Loss) -> None:
    features = random_features()
    _, gradient = value_and_gradient(loss, LABELS, features)
    expected = finite_differences(loss, LABELS, features)
    np.testing.assert_allclose(gradient, expected, atol=1e-7)
    assert (np.abs(gradient).max(axis=1) > 1e-3).all()


@every_function
def test_against_its_gradient_the_loss_falls(loss: Loss) -> None:
    features = random_features()
    losses, gradient = value_and_gradient(loss, LABELS, features)
    assert loss(LABELS, features - 1e-3 * gradient).numpy().sum() < losses.sum()


@pytest.mark.parametrize("loss", [f for name, f in FUNCTIONS.items() if name != "contrastive"])
def test_a_row_costs_the_same_in_any_company(loss: Loss) -> None:
    features = random_features()
    together = loss(LABELS, features).numpy()
    assert together.shape == (ROWS,)
    alone = [loss(LABELS[[row]], features[[row]]).numpy()[0] for row in range(ROWS)]
    np.testing.assert_allclose(together, alone, rtol=1e-12)


@every_function
def test_a_value_that_is_not_a_number_shows(loss: Loss) -> None:
    features = random_features()
    features[2, LABELS[2]] = np.nan
    assert np.isnan(loss(LABELS, features)[2])


@every_function
@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_is_computed_in_float32(loss: Loss, dtype: Any) -> None:
    features = random_features(dtype=dtype)
    if loss is arcface:
        features = tf.cast(features, tf.float32)  # it is the test's own tanh that rounds
    losses = loss(LABELS, features)
    assert losses.dtype == tf.float32
    np.testing.assert_array_equal(losses, loss(LABELS, tf.cast(features, tf.float32)))


@every_function
def test_float64_stays_float64(loss: Loss) -> None:
    losses = loss(LABELS, random_features())
    assert losses.dtype == tf.float64
    np.testing.assert_allclose(losses, loss(LABELS, random_features(dtype=np.float32)), rtol=1e-4)


@every_function
@pytest.mark.parametrize("labels", [LABELS.astype(np.int32), LABELS.astype(np.uint8), LABELS.astype(np.float32)])
def test_labels_may_have_any_dtype(loss: Loss, labels: Any) -> None:
    np.testing.assert_array_equal(loss(labels, random_features()), loss(LABELS, random_features()))


@every_function
@pytest.mark.parametrize("compiled", [False, True])
def test_graph_of_unknown_shape_equals_eager(loss: Loss, compiled: bool) -> None:
    spec = [tf.TensorSpec([None], tf.int64), tf.TensorSpec([None, DIMENSIONS], tf.float64)]
    graph = tf.function(loss, input_signature=spec, jit_compile=compiled)
    for rows in (slice(0, 6), slice(1, 4), slice(2, 3)):
        labels, features = LABELS[rows], random_features()[rows]
        np.testing.assert_allclose(graph(labels, features), loss(labels, features), rtol=1e-9, atol=1e-12)


@every_function
def test_shapes_that_would_broadcast_are_refused(loss: Loss) -> None:
    with pytest.raises(ValueError, match=r"labels has shape \(6, 1\), .* has \(6, 4\)"):
        loss(LABELS[:, None], random_features())
    with pytest.raises(ValueError, match=r"labels has shape \(1,\), .* has \(6, 4\)"):
        loss(LABELS[:1], random_features())


# --- the objectives --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("settings", "weights"), OBJECTIVES.values(), ids=list(OBJECTIVES))
def test_terms_are_named_as_promised(settings: Any, weights: dict[str, float]) -> None:
    objective = settings.build(CLASSES, DIMENSIONS)
    assert objective.term_weights == weights
    terms = objective.terms(random_features(), LABELS)
    assert list(terms) == list(weights)
    assert all((values.dtype, values.shape) == (tf.float32, (ROWS,)) for values in terms.values())
    expected = sum(weights[name] * np.mean(values) for name, values in terms.items())
    np.testing.assert_allclose(objective.total(terms), expected, rtol=1e-6)


@every_objective
def test_logits_are_what_the_layer_gives(objective: Objective) -> None:
    features = random_features()
    logits = objective.logits(features)
    assert (logits.dtype, logits.shape) == (tf.float32, (ROWS, CLASSES))
    assert np.ptp(logits, axis=1).min() > 0.1
    np.testing.assert_array_equal(objective(features), logits)
    assert objective.logits(features[:0]).shape == (0, CLASSES)


@every_objective
def test_every_trainable_variable_has_the_gradient_of_finite_differences(objective: Objective) -> None:
    features, step = random_features(dtype=np.float32), 1e-2
    with tf.GradientTape() as tape:
        total = of_terms(objective)(LABELS, features)
    assert objective.trainable_variables
    for variable, gradient in zip(
        objective.trainable_variables,
        tape.gradient(total, [variable.value for variable in objective.trainable_variables]),
        strict=True,
    ):
        start, expected = variable.numpy(), np.zeros(variable.shape)
        for cell in np.ndindex(*start.shape):
            sides = []
            for sign in (1, -1):
                moved = start.copy()
                moved[cell] += sign * step
                variable.assign(moved)
                sides.append(float(of_terms(objective)(LABELS, features)))
            variable.assign(start)
            expected[cell] = (sides[0] - sides[1]) / (2 * step)
        np.testing.assert_allclose(tf.convert_to_tensor(gradient), expected, atol=2e-3, err_msg=variable.path)
        assert np.abs(expected).max() > 0.01, variable.path


DEGENERATE: dict[str, tuple[np.ndarray, np.ndarray]] = {
    "one class": (np.full(ROWS, 2), random_features()),
    "one row": (LABELS[:1], random_features()[:1]),
    "zero vectors": (LABELS, random_features() * [[1], [0], [1], [0], [0], [1]]),
    "only zero vectors": (LABELS, np.zeros((ROWS, DIMENSIONS))),
    "duplicates": (LABELS, random_features()[[0, 0, 0, 3, 3, 3]]),
    "large": (LABELS, 1e4 * random_features()),
    "small": (LABELS, 1e-9 * random_features()),
}


@every_objective
@pytest.mark.parametrize("batch", DEGENERATE.values(), ids=list(DEGENERATE))
def test_degenerate_batches_are_finite(objective: Objective, batch: tuple[np.ndarray, np.ndarray]) -> None:
    labels, features = batch[0], tf.constant(batch[1], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(features)
        terms = objective.terms(features, labels, training=True)
        total = objective.total(terms)
    gradients = tape.gradient(total, [features, *(variable.value for variable in objective.trainable_variables)])
    for values in (*terms.values(), *map(tf.convert_to_tensor, gradients), *objective.get_weights()):
        assert np.isfinite(values).all()


@every_objective
@pytest.mark.parametrize("compiled", [False, True])
def test_terms_in_a_graph_of_unknown_shape_equal_those_of_eager(objective: Objective, compiled: bool) -> None:
    spec = [tf.TensorSpec([None, DIMENSIONS], tf.float32), tf.TensorSpec([None], tf.int64)]
    graph = tf.function(lambda x, y: objective.terms(x, y, training=True), input_signature=spec, jit_compile=compiled)
    for rows in (slice(0, 6), slice(1, 4), slice(2, 3)):
        labels, features = LABELS[rows], random_features(dtype=np.float32)[rows]
        before = objective.get_weights()
        expected = objective.terms(features, labels, training=True)
        moved = objective.get_weights()
        objective.set_weights(before)
        close(graph(features, labels), expected)
        for variable, other in zip(objective.get_weights(), moved, strict=True):
            np.testing.assert_allclose(variable, other, rtol=1e-5, atol=1e-7)


@every_objective
@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float64])
def test_features_of_any_dtype_are_computed_in_float32(objective: Objective, dtype: Any) -> None:
    features = random_features(dtype=dtype)
    expected = objective.terms(features.astype(np.float32), LABELS)
    close(objective.terms(features, LABELS), expected, rtol=1e-6)
    assert objective.total(objective.terms(features, LABELS)).dtype == tf.float32
    assert objective.logits(features).dtype == tf.float32


@pytest.mark.usefixtures("half_precision")
@pytest.mark.parametrize("settings", [settings for settings, _ in OBJECTIVES.values()], ids=list(OBJECTIVES))
def test_a_policy_of_half_precision_changes_nothing(settings: Any) -> None:
    keras.utils.set_random_seed(4)
    objective = settings.build(CLASSES, DIMENSIONS)
    keras.config.set_dtype_policy("float32")
    keras.utils.set_random_seed(4)
    usual = settings.build(CLASSES, DIMENSIONS)
    features = random_features(dtype=np.float32)
    close(objective.terms(features, LABELS), usual.terms(features, LABELS), rtol=1e-6)
    np.testing.assert_allclose(objective(features), usual(features), rtol=1e-6)


@pytest.mark.parametrize("settings", [settings for settings, _ in OBJECTIVES.values()], ids=list(OBJECTIVES))
def test_too_few_classes_or_dimensions_are_refused(settings: Any) -> None:
    with pytest.raises(ValueError, match="classes is 1: there must be at least 2"):
        settings.build(1, DIMENSIONS)
    with pytest.raises(ValueError, match="dimensions is 0: there must be at least 1"):
        settings.build(CLASSES, 0)


# --- in a model ------------------------------------------------------------------------------------------------------


@keras.saving.register_keras_serializable(package="anchorline-tests")
class Classifier(keras.Model):
    """Rows → features → logits, trained on an objective whose terms are metrics by name."""

    def __init__(self, objective: Objective, **keras_arguments: Any) -> None:
        super().__init__(**keras_arguments)
        self.encoder = keras.layers.Dense(DIMENSIONS, activation="tanh")
        self.objective = objective
        self.means = {name: keras.metrics.Mean(name) for name in objective.term_weights}

    def call(self, rows: Any, training: bool = False) -> Any:
        features = self.encoder(rows, training=training)
        return {"features": features, "logits": self.objective(features)}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        del x, sample_weight
        terms = self.objective.terms(y_pred["features"], y, training)
        for name, values in terms.items():
            self.means[name].update_state(values)
        return self.objective.total(terms)

    def get_config(self) -> dict[str, Any]:
        return {"objective": keras.saving.serialize_keras_object(self.objective)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Classifier":
        return cls(keras.saving.deserialize_keras_object(config["objective"]))


def toy_data() -> tuple[np.ndarray, np.ndarray]:
    """Three unequal clouds: rows `[90, 5]` and labels `[90]`."""
    generator = np.random.default_rng(6)
    labels = np.repeat([0, 1, 2], [40, 30, 20])
    means = generator.normal(size=(CLASSES, 5))
    return (means[labels] + 0.5 * generator.normal(size=(90, 5))).astype(np.float32), labels


def compiled_model(objective: Objective) -> Classifier:
    model = Classifier(objective)
    model.compile(optimizer=keras.optimizers.Adam(0.02))
    return model


@every_objective
def test_training_lowers_each_term_and_classifies(objective: Objective) -> None:
    rows, labels = toy_data()
    model = compiled_model(objective)
    before = model.evaluate(rows, labels, batch_size=90, return_dict=True, verbose=0)
    for _ in range(60):
        logs = model.train_on_batch(rows, labels, return_dict=True)
    assert set(logs) == {"loss", *objective.term_weights}
    after = model.evaluate(rows, labels, batch_size=90, return_dict=True, verbose=0)
    for name in objective.term_weights:  # the contrastive loss of n rows of a class is at least ln(n - 1), here 81 %
        assert after[name] < 0.85 * before[name], name
    total = sum(weight * after[name] for name, weight in objective.term_weights.items())
    assert after["loss"] == pytest.approx(total, rel=1e-5)
    predicted = model.predict(rows, verbose=0)["logits"].argmax(axis=1)
    assert (predicted == labels).mean() > 0.9


@every_objective
def test_training_moves_every_weight_and_evaluation_none(objective: Objective) -> None:
    rows, labels = toy_data()
    model = compiled_model(objective)
    model.evaluate(rows, labels, verbose=0)
    start = model.get_weights()
    assert len(start) == 2 + len(objective.weights)  # the encoder's two, and all of the objective
    model.evaluate(rows, labels, verbose=0)
    for weights, before in zip(model.get_weights(), start, strict=True):
        np.testing.assert_array_equal(weights, before)
    model.fit(rows, labels, epochs=1, verbose=0)
    assert all((weights != before).any() for weights, before in zip(model.get_weights(), start, strict=True))
    model.set_weights(start)
    np.testing.assert_array_equal(objective.get_weights()[0], start[2])


@every_objective
def test_a_saved_model_reloads_and_trains_on(objective: Objective, tmp_path: Path) -> None:
    rows, labels = toy_data()
    model = compiled_model(objective)
    model.fit(rows, labels, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.objective) is type(objective)
    assert again.objective.get_config() == objective.get_config()
    expected = model.evaluate(rows, labels, return_dict=True, verbose=0)
    assert again.evaluate(rows, labels, return_dict=True, verbose=0) == pytest.approx(expected, rel=1e-5)
    start = again.get_weights()
    again.fit(rows, labels, epochs=1, verbose=0)
    assert all((weights != before).any() for weights, before in zip(again.get_weights(), start, strict=True))


@every_objective
def test_an_export_serves_the_logits_in_a_tf_1_session(objective: Objective, tmp_path: Path) -> None:
    spec = [tf.TensorSpec([None, DIMENSIONS], tf.float32, name="features")]
    archive = keras.export.ExportArchive()
    archive.track(objective)
    archive.add_endpoint("serving_default", lambda features: {"logits": objective.logits(features)}, spec)
    archive.write_out(str(tmp_path / "model"), verbose=False)
    features = random_features(dtype=np.float32)
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(tmp_path / "model"))
        signature = loaded.signature_def["serving_default"]
        served = session.run(signature.outputs["logits"].name, {signature.inputs["features"].name: features})
    np.testing.assert_allclose(served, objective.logits(features), rtol=1e-6)
