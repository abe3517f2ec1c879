"""Requests, and the signatures of our models as requests with typed results."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from grpc import StatusCode

from serving.client.arrays import Rows, as_tensor, from_rows
from serving.client.errors import ServingError
from serving.client.results import Answer, Label, ModelMetadata, ModelVersion, Neighbor, TensorSpec

Outputs = Mapping[str, np.ndarray]


class Options(TypedDict, total=False):
    """What every call takes by name.

    version: the model's version; by default the newest.
    label: in its place, the label of a version, for example `canary`.
    timeout: seconds that the call may take, all tries together; by default the client's.
    """

    version: int | None
    label: str | None
    timeout: float


@dataclass(frozen=True, slots=True)
class Target:
    """Which version of which model."""

    model: str
    version: int | None
    label: str | None


@dataclass(frozen=True, slots=True)
class Predict:
    """Run one signature.

    outputs: what it is known to return; None if that is not known.
    may_return_more: whether that is only what is wanted of it.
    """

    target: Target
    signature: str
    inputs: Mapping[str, np.ndarray]
    outputs: Mapping[str, TensorSpec] | None = None
    may_return_more: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """Which versions there are, and in what state."""

    target: Target


@dataclass(frozen=True, slots=True)
class Metadata:
    """Which signatures there are."""

    target: Target


Request = Predict | Status | Metadata


@dataclass(frozen=True, slots=True)
class Call[R]:
    """A request, and how its result is read from what the API gave back."""

    request: Request
    read: Callable[[Any], R]


def _target(model: str, options: Options) -> Target:
    version, label = options.get("version"), options.get("label")
    if version is not None and label is not None:
        raise ValueError(f"give version or label, not both; got version {version} and label {label!r}")
    return Target(model, version, label)


def predict(model: str, inputs: Mapping[str, Any], signature: str, options: Options) -> Call[dict[str, np.ndarray]]:
    """Any signature; see `Client.predict`."""
    arrays = {name: as_tensor(name, value) for name, value in inputs.items()}
    return Call(Predict(_target(model, options), signature, arrays), dict)


def status(model: str, options: Options) -> Call[list[ModelVersion]]:
    """See `Client.status`."""
    return Call(Status(_target(model, options)), list)


def metadata(model: str, options: Options) -> Call[ModelMetadata]:
    """See `Client.metadata`."""
    return Call(Metadata(_target(model, options)), _itself)


def vectors(model: str, signature: str, rows: Rows, options: Options) -> Call[np.ndarray]:
    """Any signature that returns `vector: float32[N, D]`."""
    call = _typed(model, signature, rows, options, {"vector": _VECTORS})
    return Call(call, lambda outputs: _checked(call, outputs)["vector"])


def search(model: str, rows: Rows, options: Options) -> Call[list[list[Answer]]]:
    """See `Client.search`."""
    call = _typed(model, "search", rows, options, {"ids": _STRINGS, "candidates": _STRINGS, "scores": _VECTORS})
    return Call(call, lambda outputs: _rows(call, outputs, Answer))


def classify(model: str, rows: Rows, options: Options) -> Call[list[list[Label]]]:
    """See `Client.classify`."""
    call = _typed(model, "classify", rows, options, {"labels": _STRINGS, "probabilities": _VECTORS})
    return Call(call, lambda outputs: _rows(call, outputs, Label))


def neighbors(model: str, rows: Rows, options: Options) -> Call[list[list[Neighbor]]]:
    """See `Client.neighbors`."""
    call = _typed(model, "neighbors", rows, options, {"ids": _STRINGS, "labels": _STRINGS, "scores": _VECTORS})
    return Call(call, lambda outputs: _rows(call, outputs, Neighbor))


_VECTORS = TensorSpec("float", (None, None))
_STRINGS = TensorSpec("string", (None, None))


def _typed(model: str, signature: str, rows: Rows, options: Options, outputs: Mapping[str, TensorSpec]) -> Predict:
    return Predict(_target(model, options), signature, from_rows(rows), outputs, may_return_more=True)


def _checked(call: Predict, outputs: Outputs) -> Outputs:
    wanted = call.outputs or {}
    if not wanted.keys() <= outputs.keys():
        raise ServingError(
            StatusCode.UNKNOWN,
            f"signature {call.signature!r} of model {call.target.model!r} returns {', '.join(sorted(outputs))}; "
            f"one of Anchorline's returns {', '.join(sorted(wanted))}",
        )
    return outputs


def _rows[R](call: Predict, outputs: Outputs, result: Callable[..., R]) -> list[list[R]]:
    """One list of results a row; the columns in the order of the result's fields."""
    found = _checked(call, outputs)
    columns = [_texts(found[name]) if spec is _STRINGS else found[name].tolist() for name, spec in _specs(call)]
    return [[result(*fields) for fields in zip(*row, strict=True)] for row in zip(*columns, strict=True)]


def _specs(call: Predict) -> list[tuple[str, TensorSpec]]:
    return list((call.outputs or {}).items())


def _texts(array: np.ndarray) -> list[list[str]]:
    return [[value.decode(errors="replace") for value in row] for row in array.tolist()]


def _itself(value: Any) -> Any:
    return value
