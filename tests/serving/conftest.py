"""Small SavedModels and one server process that serves them all."""

import gzip
import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving.client import Client
from serving.process import ModelServer
from serving.server.silent_tensorflow import tf


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


def _save_estimator_style(path: Path) -> None:
    """A TF 1 graph with placeholders, ParseExample and the signatures of an Estimator, which does not load eagerly."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        serialized = v1.placeholder(tf.string, [None], "tf_example")
        parsed = v1.parse_example(serialized, {"x": v1.FixedLenFeature([1], tf.float32)})
        x = tf.identity(parsed["x"], "x")
        a = v1.get_variable("a", initializer=0.5)
        y = tf.add(a * x, 3.0, "y")
        session.run(v1.global_variables_initializer())
        build = v1.saved_model.signature_def_utils
        info = v1.saved_model.utils.build_tensor_info
        builder = v1.saved_model.builder.SavedModelBuilder(str(path))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {
                "serving_default": build.build_signature_def(
                    {"x": info(x)}, {"y": info(y)}, "tensorflow/serving/predict"
                ),
                "regress_x_to_y": build.build_signature_def(
                    {"inputs": info(serialized)}, {"outputs": info(y)}, "tensorflow/serving/regress"
                ),
            },
        )
        builder.save()


def _save_adder(path: Path, amount: float) -> None:
    adder = Adder(amount)
    tf.saved_model.save(adder, str(path), signatures={"serving_default": adder.add})


@dataclass(frozen=True)
class SavedModels:
    """Base paths of the models."""

    zoo: Path
    estimator: Path
    adder: Path


@pytest.fixture(scope="session")
def saved_models(tmp_path_factory: pytest.TempPathFactory) -> SavedModels:
    root = tmp_path_factory.mktemp("models")
    models = SavedModels(root / "zoo", root / "estimator", root / "adder")
    zoo = Zoo()
    tf.saved_model.save(zoo, str(models.zoo / "7"), signatures=zoo.signatures())
    _save_estimator_style(models.estimator / "00000123")
    _save_adder(models.adder / "1", 1.0)
    _save_adder(models.adder / "2", 2.0)
    (models.adder / "next").mkdir()
    return models


@pytest.fixture(scope="session")
def save_adder() -> Callable[[Path, float], None]:
    """`save_adder(folder, amount)` saves one version of a model that adds `amount`."""
    return _save_adder


@pytest.fixture(scope="session")
def server(saved_models: SavedModels, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """Serves `zoo`, `estimator`, `adder` (both versions, with labels) and `a b/ü` (a name that must be %-encoded)."""
    config = tmp_path_factory.mktemp("config") / "models.config"
    config.write_text(
        f"""
        model_config_list {{
          config {{ name: "zoo" base_path: "{saved_models.zoo}" model_platform: "tensorflow" }}
          config {{ name: "estimator" base_path: "{saved_models.estimator}" }}
          config {{
            name: "adder" base_path: "{saved_models.adder}"
            model_version_policy {{ all {{}} }}
            version_labels {{ key: "stable" value: 1 }}
            version_labels {{ key: "canary" value: 2 }}
          }}
          config {{ name: "a b/ü" base_path: "{saved_models.zoo}" }}
        }}
        """
    )
    flags = {"model_config_file": str(config), "grpc_socket_path": str(config.with_name("grpc.sock"))}
    with ModelServer({"zoo": saved_models.zoo}, flags=flags) as running:
        yield running


@dataclass(frozen=True)
class Response:
    """An HTTP response with a JSON body."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> str:
        return self.json["error"]


Rest = Callable[..., Response]


@pytest.fixture(scope="session")
def rest(server: ModelServer) -> Iterator[Rest]:
    """`rest("POST", "/v1/…", body)`; a body that is not bytes is sent as JSON."""
    connection = http.client.HTTPConnection(server.host, server.rest_port, timeout=30)

    def send(method: str, path: str, body: Any = None, *, zipped: bool = False, **headers: str) -> Response:
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if zipped:
            raw, headers["content-encoding"] = gzip.compress(raw or b""), "gzip"
        connection.request(method, path, raw, headers)
        answer = connection.getresponse()
        fields = {name.lower(): value for name, value in answer.getheaders()}
        return Response(answer.status, answer.read().decode(), fields)

    yield send
    connection.close()


@pytest.fixture(scope="session")
def client(server: ModelServer) -> Iterator[Client]:
    with Client(server.host, server.grpc_port, retries=0) as connected:
        yield connected


@pytest.fixture(scope="session")
def channel(server: ModelServer) -> Iterator[grpc.Channel]:
    unlimited = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(f"{server.host}:{server.grpc_port}", options=unlimited) as connected:
        yield connected
