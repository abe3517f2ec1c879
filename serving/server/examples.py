"""Classify, Regress and MultiInference: signatures that take serialised tf.Examples, checked as in TF Serving.

Read in servables/tensorflow/classifier.cc, regressor.cc, multi_inference.cc and util.cc. The examples of a request go
through the batcher as one string tensor, so requests share runs as those of predict do.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from serving import dtypes
from serving.server import predict
from serving.server.errors import Code, StatusError, invalid
from serving.server.predict import Arrays
from serving.server.served import Served
from serving.server.session_model import SessionModel
from serving.server.signature import DEFAULT_SIGNATURE, Signature

_INPUTS, _CLASSES, _SCORES, _OUTPUTS = "inputs", "classes", "scores", "outputs"


@dataclass(frozen=True, slots=True)
class Classes:
    """What a classifier says of N examples and C classes: labels object[N, C] of bytes, scores float32[N, C]."""

    labels: np.ndarray
    scores: np.ndarray

    def fill(self, result: Any) -> None:
        """Write it into an empty ClassificationResult."""
        for labels, scores in zip(self.labels.tolist(), self.scores.tolist(), strict=True):
            entries = result.classifications.add().classes
            for label, score in zip(labels, scores, strict=True):
                entries.add(label=label.decode("utf-8", "replace"), score=score)


@dataclass(frozen=True, slots=True)
class Values:
    """What a regressor says of N examples: float32[N]."""

    values: np.ndarray

    def fill(self, result: Any) -> None:
        """Write it into an empty RegressionResult."""
        for value in self.values.tolist():
            result.regressions.add(value=value)


Result = Classes | Values


@dataclass(frozen=True)
class Kind:
    """Classification or regression: which outputs a signature must have, and what becomes of them.

    `field` is the result's name in an InferenceResult.
    """

    name: str
    method: str
    field: str
    wanted: Callable[[Signature, Any], tuple[str, ...]]
    read: Callable[[Arrays, int], Result]


class Call(NamedTuple):
    """One signature about to be run on examples."""

    kind: Kind
    signature: Signature
    outputs: tuple[str, ...]


def prepare(model: SessionModel, name: str, kind: Kind) -> Call:
    """The call of signature `name`, the default one if it is "". Raises StatusError (INVALID_ARGUMENT) if unfit."""
    signature = model.signatures.get(name or DEFAULT_SIGNATURE)
    if signature is None:
        raise invalid(f"No signature was found with the name: {name or DEFAULT_SIGNATURE}")
    if signature.method_is_binding and signature.method != kind.method:
        raise invalid(f"Expected {kind.name} signature method_name to be {kind.method}. Was: {signature.method}")
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    return Call(kind, signature, kind.wanted(signature, model.signature_defs[signature.name]))


def prepare_all(model: SessionModel, tasks: Iterable[Any]) -> list[Call]:
    """The calls of a MultiInferenceRequest's tasks. Raises StatusError."""
    calls: list[Call] = []
    models: set[str] = set()
    names: set[str] = set()
    for task in tasks:
        if not task.model_spec.name:
            raise invalid("Found ModelSpec with an empty model name.")
        models.add(task.model_spec.name)
        if len(models) > 1:
            raise invalid("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
        name = task.model_spec.signature_name or DEFAULT_SIGNATURE
        if name in names:
            raise invalid(f"Duplicate evaluation of signature: {name}")
        names.add(name)
        if name not in model.signatures:
            raise invalid(f"Requested signature not found in model graph: {name}")
        kind = KINDS.get(task.method_name)
        if kind is None:
            raise StatusError(Code.UNIMPLEMENTED, f"Unsupported signature method_name: {task.method_name}")
        calls.append(prepare(model, name, kind))
    return calls


def serialized(message: Any) -> np.ndarray:
    """The examples of a `tensorflow.serving.Input`: object[N] of bytes. Raises StatusError if there are none.

    Bytes of a message put behind those of another are the two merged, so the context goes in front of each example.
    """
    context = b""
    listed = message.example_list
    if message.WhichOneof("kind") == "example_list_with_context":
        listed = message.example_list_with_context
        context = listed.context.SerializeToString()
    if not listed.examples:
        raise invalid("Input is empty.")
    return strings(context + example.SerializeToString() for example in listed.examples)


def strings(values: Iterable[bytes]) -> np.ndarray:
    """object[N] of bytes: what a string tensor of one dimension is made of."""
    listed = list(values)
    array = np.empty(len(listed), object)
    array[:] = listed
    return array


class Plan(NamedTuple):
    """Several calls as one run: the signature, what to fetch of it, and each call's outputs by their names there."""

    signature: Signature
    fetched: tuple[str, ...]
    names: list[dict[str, str]]


def plan(model: SessionModel, calls: list[Call]) -> Plan:
    """How to run the calls at once. Every input of the signature takes the examples."""
    signature = calls[0].signature
    names = [{output: output for output in call.outputs} for call in calls]
    if len(calls) > 1:
        signature = model.merged(call.signature.name for call in calls)
        names = [{output: call.signature.outputs[output].tensor for output in call.outputs} for call in calls]
    return Plan(signature, tuple(sorted({name for by_output in names for name in by_output.values()})), names)


async def infer(served: Served[SessionModel], calls: list[Call], examples: np.ndarray) -> list[Result]:
    """Run the calls on the same examples, all in one run. Raises StatusError."""
    signature, fetched, names = plan(served.model, calls)
    outputs = await predict.run(served, signature, fetched, dict.fromkeys(signature.inputs, examples))
    return [
        call.kind.read({output: outputs[name] for output, name in by_output.items()}, len(examples))
        for call, by_output in zip(calls, names, strict=True)
    ]


def _wanted_of_classifier(signature: Signature, proto: Any) -> tuple[str, ...]:
    if len(signature.outputs) not in {1, 2}:
        raise invalid(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    if _INPUTS not in signature.inputs:
        raise invalid(f"No classification inputs found in SignatureDef: {proto}")
    wanted = tuple(name for name in (_CLASSES, _SCORES) if name in signature.outputs)
    if not wanted:
        raise invalid(
            "Expected classification signature outputs to contain at least one of"
            f' "{_CLASSES}" or "{_SCORES}". Signature was: {proto}'
        )
    return wanted


def _wanted_of_regressor(signature: Signature, proto: Any) -> tuple[str, ...]:
    if len(signature.outputs) != 1:
        raise invalid("Expected one output Tensor.")
    if _INPUTS not in signature.inputs:
        raise invalid(f"No regression inputs found in SignatureDef: {proto}")
    if _OUTPUTS not in signature.outputs:
        raise invalid(f"No regression outputs found in SignatureDef: {proto}")
    return (_OUTPUTS,)


def _classes(outputs: Arrays, rows: int) -> Classes:
    for name, dtype in ((_CLASSES, np.dtype(object)), (_SCORES, np.dtype(np.float32))):
        array = outputs.get(name)
        if array is None:
            continue
        if array.ndim != 2:  # noqa: PLR2004  (rows and classes)
            raise invalid(f"Expected Tensor shape: [batch_size num_classes] but got {_shape(array)}")
        if array.dtype != dtype:
            raise invalid(f"Expected {name} Tensor of {_type(dtype)}. Got: {_type(array.dtype)}")
        if len(array) != rows:
            raise invalid(f"Expected {name} output batch size of {rows}. Got: {len(array)}")
    labels, scores = outputs.get(_CLASSES), outputs.get(_SCORES)
    if labels is not None and scores is not None and labels.shape != scores.shape:
        raise invalid(
            f"Tensors class and score should match in dim_size(1). Got {labels.shape[1]} vs. {scores.shape[1]}"
        )
    return Classes(
        labels=np.full_like(scores, b"", object) if labels is None else labels,
        scores=np.zeros_like(labels, np.float32) if scores is None else scores,
    )


def _values(outputs: Arrays, rows: int) -> Values:
    array = outputs[_OUTPUTS]
    if array.ndim != 1 and array.shape[1:] != (1,):
        raise invalid(
            f"Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got {_shape(array)}"
        )
    if len(array) != rows:
        raise invalid(f"Input batch size did not match output batch size: {rows} vs. {len(array)}")
    if array.dtype != np.float32:
        raise invalid(f"Expected output Tensor of DT_FLOAT.  Got: {_type(array.dtype)}")
    return Values(array.ravel())


def _shape(array: np.ndarray) -> str:
    return f"[{','.join(map(str, array.shape))}]"


def _type(dtype: np.dtype) -> str:
    known = dtypes.BY_NUMPY.get(dtype)
    return f"DT_{known.name.upper()}" if known else str(dtype)


CLASSIFICATION = Kind(
    "classification", "tensorflow/serving/classify", "classification_result", _wanted_of_classifier, _classes
)
REGRESSION = Kind("regression", "tensorflow/serving/regress", "regression_result", _wanted_of_regressor, _values)
KINDS = {kind.method: kind for kind in (CLASSIFICATION, REGRESSION)}
