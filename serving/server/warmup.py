"""Warm-up: the requests that a SavedModel brings along run before its version is AVAILABLE.

They lie in `assets.extra/tf_serving_warmup_requests`, a TFRecord file of PredictionLog, as TF Serving reads it
(servables/tensorflow/saved_model_warmup_util.cc). The first requests of clients then find everything allocated.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from serving import tensor_proto
from serving.server import examples, predict
from serving.server.errors import Code, StatusError, from_tensorflow, invalid
from serving.server.log import log
from serving.server.monitoring import Metrics
from serving.server.session_model import SessionModel
from serving.server.signature import DEFAULT_SIGNATURE
from serving.server.silent_tensorflow import tf

FILE = Path("assets.extra", "tf_serving_warmup_requests")
MAX_RECORDS = 1000

# Runs a request message on a model without the batcher and throws the result away. Raises StatusError.
Runner = Callable[[SessionModel, Any], object]


def run_predict(model: SessionModel, request: Any) -> None:
    """Run a PredictRequest. Raises StatusError."""
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = model.signatures.get(name)
    if signature is None:
        raise StatusError(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
    predict.check_names(signature, request.inputs)
    try:
        inputs = [tensor_proto.to_array(request.inputs[alias]) for alias in signature.inputs]
    except ValueError as error:
        raise invalid(f"tensor parsing error: {error}") from error
    model.run(name, predict.wanted_outputs(signature, request.output_filter), inputs)


def run_classify(model: SessionModel, request: Any) -> None:
    """Run a ClassificationRequest. Raises StatusError."""
    _run_calls(model, [examples.prepare(model, request.model_spec.signature_name, examples.CLASSIFICATION)], request)


def run_regress(model: SessionModel, request: Any) -> None:
    """Run a RegressionRequest. Raises StatusError."""
    _run_calls(model, [examples.prepare(model, request.model_spec.signature_name, examples.REGRESSION)], request)


def run_multi_inference(model: SessionModel, request: Any) -> None:
    """Run a MultiInferenceRequest. Raises StatusError."""
    _run_calls(model, examples.prepare_all(model, request.tasks), request)


def _run_calls(model: SessionModel, calls: list[examples.Call], request: Any) -> None:
    signature, fetched, _ = examples.plan(model, calls)
    rows = examples.serialized(request.input)
    model.run(signature.name, fetched, [rows for _ in signature.inputs])


# By the field of PredictionLog; each holds a log whose field `request` is handed over.
RUNNERS: Mapping[str, Runner] = {
    "predict_log": run_predict,
    "classify_log": run_classify,
    "regress_log": run_regress,
    "multi_inference_log": run_multi_inference,
}


def warm_up(
    model: SessionModel,
    folder: Path,
    *,
    metrics: Metrics | None = None,
    runners: Mapping[str, Runner] = RUNNERS,
    iterations: int = 1,
) -> None:
    """Run the warm-up requests of the version in `folder`, if it has any, each `iterations` times.

    Raises StatusError if one of them fails, as that version would fail its clients too.
    """
    path = folder / FILE
    if not path.is_file():
        return
    started, code = time.monotonic(), Code.OK
    try:
        count = _run_all(model, path, runners, iterations)
    except StatusError as error:
        code = error.code
        raise
    finally:
        seconds = time.monotonic() - started
        if metrics:
            metrics.warmup_latency.observe((str(folder), code.name), seconds * 1e6)
    log(f"warmed up with {count} requests of {path} in {seconds:.3f} s")


def _run_all(model: SessionModel, path: Path, runners: Mapping[str, Runner], iterations: int) -> int:
    count = 0
    for count, record in enumerate(_records(path), 1):
        if count > MAX_RECORDS:
            raise invalid(f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {path}")
        for _ in range(iterations):
            _run_one(model, record, runners, path)
    return count


def _run_one(model: SessionModel, record: Any, runners: Mapping[str, Runner], path: Path) -> None:
    kind = record.WhichOneof("log_type")
    if kind is None:
        return
    runner = runners.get(kind)
    if runner is None:
        raise StatusError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind} in {path}")
    try:
        runner(model, getattr(record, kind).request)
    except StatusError as error:
        raise StatusError(error.code, f"{error.message} (warm-up request of {path})") from error


def _records(path: Path) -> Iterator[Any]:
    from tensorflow_serving.apis import prediction_log_pb2  # most models have no warm-up

    try:
        for raw in tf.compat.v1.io.tf_record_iterator(str(path)):
            try:
                yield prediction_log_pb2.PredictionLog.FromString(raw)
            except DecodeError as error:
                raise invalid(f"Failed to parse warmup record from {path}: {error}") from error
    except tf.errors.DataLossError as error:
        message = f"{error.message}. Please verify your warmup data is in TFRecord format."
        raise from_tensorflow(error.error_code, message) from error
