"""Warm-up requests of a SavedModel, read from a real TFRecord file."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorflow_serving.apis import prediction_log_pb2

from serving.process import ModelServer, ServerStartError
from serving.server.errors import Code, StatusError
from serving.server.monitoring import Metrics
from serving.server.session_model import SessionModel
from serving.server.silent_tensorflow import tf
from serving.server.warmup import FILE, warm_up


class Recorder:
    """A model that remembers what was run."""

    def __init__(self, model: SessionModel):
        self.signatures = model.signatures
        self.runs: list[tuple[str, tuple[str, ...], list[Any]]] = []
        self._model = model

    def run(self, signature: str, outputs: tuple[str, ...], inputs: list[np.ndarray]) -> list[np.ndarray]:
        self.runs.append((signature, outputs, [array.tolist() for array in inputs]))
        return self._model.run(signature, outputs, inputs)


@pytest.fixture
def folder(saved_models: Any, tmp_path: Path) -> Path:
    shutil.copytree(saved_models.zoo / "7", tmp_path / "7")
    return tmp_path / "7"


@pytest.fixture
def model(folder: Path) -> Iterable[Any]:
    loaded = SessionModel(folder)
    yield Recorder(loaded)
    loaded.close()


def predict_log(signature: str = "", *, outputs: tuple[str, ...] = (), **inputs: Any) -> Any:
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.model_spec.signature_name = signature
    log.predict_log.request.output_filter.extend(outputs)
    for name, value in inputs.items():
        log.predict_log.request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return log


def write(folder: Path, *records: Any) -> None:
    (folder / FILE).parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / FILE)) as writer:
        for record in records:
            writer.write(record if isinstance(record, bytes) else record.SerializeToString())


def test_every_request_is_run(folder: Path, model: Any) -> None:
    metrics = Metrics()
    write(
        folder,
        predict_log(x=[1.0, 2.0]),
        predict_log("shout", outputs=("length",), text=[b"abc"]),
        prediction_log_pb2.PredictionLog(),
    )
    warm_up(model, folder, metrics=metrics)
    assert model.runs == [
        ("serving_default", ("y",), [[1.0, 2.0]]),
        ("shout", ("length",), [[b"abc"]]),
    ]
    assert f'model_warmup_latency_count{{model_path="{folder}",status="OK"}} 1' in metrics.page(0)


def test_each_request_is_run_as_often_as_is_asked_for(folder: Path, model: Any) -> None:
    write(folder, predict_log(x=[1.0]), predict_log(x=[2.0]))
    warm_up(model, folder, iterations=3)
    assert [inputs for _, _, inputs in model.runs] == [[[1.0]]] * 3 + [[[2.0]]] * 3


def test_without_a_file_nothing_is_run(folder: Path, model: Any) -> None:
    metrics = Metrics()
    warm_up(model, folder, metrics=metrics)
    assert model.runs == []
    assert "model_warmup_latency_count" not in metrics.page(0)


@pytest.mark.parametrize(
    ("records", "code", "message"),
    [
        ([predict_log("none", x=[1.0])], Code.FAILED_PRECONDITION, 'Serving signature key "none" not found.'),
        ([predict_log(z=[1.0])], Code.INVALID_ARGUMENT, "input tensor alias not found in signature: z"),
        ([predict_log("positive", x=[-1.0])], Code.INVALID_ARGUMENT, "x must be positive"),
        ([b"\xff\xff"], Code.INVALID_ARGUMENT, "Failed to parse warmup record from "),
    ],
)
def test_what_fails_in_warm_up_fails_the_version(
    folder: Path, model: Any, records: list[Any], code: Code, message: str
) -> None:
    metrics = Metrics()
    write(folder, *records)
    with pytest.raises(StatusError, match=message) as caught:
        warm_up(model, folder, metrics=metrics)
    assert caught.value.code is code
    assert str(folder) in caught.value.message
    assert f'status="{code.name}"}} 1' in metrics.page(0)


def test_a_log_of_sessions_is_not_run(folder: Path, model: Any) -> None:
    log = prediction_log_pb2.PredictionLog()
    log.session_run_log.SetInParent()
    write(folder, log)
    with pytest.raises(StatusError, match="Unsupported log_type for warmup: session_run_log") as caught:
        warm_up(model, folder)
    assert caught.value.code is Code.UNIMPLEMENTED


def test_other_kinds_of_requests_have_runners(folder: Path, model: Any) -> None:
    log = prediction_log_pb2.PredictionLog()
    log.regress_log.request.model_spec.signature_name = "r"
    write(folder, log, predict_log(x=[1.0]))
    ran: list[str] = []
    runners: dict[str, Callable[[Any, Any], object]] = {
        "regress_log": lambda _, request: ran.append(request.model_spec.signature_name),
        "predict_log": lambda *_: ran.append("predict"),
    }
    warm_up(model, folder, runners=runners)
    assert ran == ["r", "predict"]


def test_a_file_that_is_no_tfrecord(folder: Path, model: Any) -> None:
    write(folder)
    (folder / FILE).write_bytes(b"not a TFRecord file at all")
    with pytest.raises(StatusError, match="verify your warmup data is in TFRecord format") as caught:
        warm_up(model, folder)
    assert caught.value.code is Code.DATA_LOSS


@pytest.mark.parametrize(("count", "allowed"), [(1000, True), (1001, False)])
def test_at_most_a_thousand(folder: Path, model: Any, count: int, allowed: bool) -> None:
    write(folder, *[predict_log(x=[1.0])] * count)
    if allowed:
        warm_up(model, folder)
    else:
        with pytest.raises(StatusError, match=r"exceeds the maximum \(1000\)"):
            warm_up(model, folder)
    assert len(model.runs) == 1000


def test_a_server_warms_up_before_it_serves_and_can_be_told_not_to(folder: Path) -> None:
    write(folder, predict_log("positive", x=[1.0]), predict_log("positive", x=[-1.0]))
    with pytest.raises(ServerStartError, match=r"did not become available: .*x must be positive"):
        ModelServer({"m": folder.parent}).start()
    with ModelServer({"m": folder.parent}, flags={"enable_model_warmup": "false"}) as server:
        assert "warmed up" not in server.log


def test_logs_of_examples_are_run(saved_models: Any, tmp_path: Path) -> None:
    (base,) = saved_models.half_plus_two.iterdir()
    folder = tmp_path / "1"
    shutil.copytree(base, folder)
    example = tf.train.Example(features={"feature": {"x": {"float_list": {"value": [4.0]}}}})
    classify, regress, multi = (prediction_log_pb2.PredictionLog() for _ in range(3))
    classify.classify_log.request.model_spec.signature_name = "classify_x_to_y"
    regress.regress_log.request.model_spec.signature_name = "regress_x_to_y"
    requests = (classify.classify_log.request, regress.regress_log.request, multi.multi_inference_log.request)
    for kind in ("classify", "regress"):
        task = requests[2].tasks.add(method_name=f"tensorflow/serving/{kind}")
        task.model_spec.name, task.model_spec.signature_name = "m", f"{kind}_x_to_y"
    for request in requests:
        request.input.example_list.examples.append(example)
    write(folder, classify, regress, multi)
    model = SessionModel(folder)
    recorder: Any = Recorder(model)
    recorder.signature_defs, recorder.merged = model.signature_defs, model.merged
    warm_up(recorder, folder)
    model.close()
    sent = [[example.SerializeToString()]]
    assert [(len(outputs), inputs) for _, outputs, inputs in recorder.runs] == [(1, sent)] * 3
    assert [name for name, _, _ in recorder.runs][:2] == ["classify_x_to_y", "regress_x_to_y"]
