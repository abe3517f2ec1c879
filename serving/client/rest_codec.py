"""Requests and results as the JSON of TF Serving's REST API.

JSON has no types, and a single output has no name there; so what a signature returns must be known (`Predict.outputs`).
"""

import base64
import json
from collections.abc import Iterable, Mapping, Set
from typing import Any
from urllib.parse import quote

import numpy as np
from grpc import StatusCode

from serving import dtypes, tensor_proto
from serving.client.calls import Metadata, Predict, Request, Status, Target
from serving.client.errors import ServingError
from serving.client.results import ModelMetadata, ModelVersion, Signature, State, TensorSpec

_NUMPY = {dtype.name: dtype.numpy for dtype in dtypes.BY_NUMBER.values()}


class OutputsChangedError(ServingError):
    """The outputs are not those that the signature was known to have, as when another version has answered."""

    def __init__(self, wanted: Iterable[str]):
        super().__init__(StatusCode.UNKNOWN, f"the answer has other outputs than {', '.join(sorted(wanted))}")


class RestCodec:
    """The address of a request is its HTTP method, a blank and its path."""

    names_outputs = False
    """Whether an answer tells names and types by itself."""

    def encode(self, request: Request) -> tuple[str, bytes]:
        """Address and body of a request. Raises TypeError for a value that cannot be sent as a tensor."""
        path = _path(request.target)
        match request:
            case Predict():
                inputs = {name: _plain(array) for name, array in request.inputs.items()}
                body = {"signature_name": request.signature, "inputs": inputs}
                return f"POST {path}:predict", json.dumps(body, ensure_ascii=False).encode()
            case Metadata():
                return f"GET {path}/metadata", b""
            case Status():
                return f"GET {path}", b""

    def decode(self, request: Request, answer: bytes) -> Any:
        """What an answer holds: arrays by name, `ModelVersion`s or `ModelMetadata`.

        Raises ServingError (UNKNOWN) for what is no answer of a model server; OutputsChangedError.
        """
        try:
            document = json.loads(answer)
            match request:
                case Predict():
                    return _arrays(document["outputs"], request.outputs or {}, request.may_return_more)
                case Metadata():
                    return _metadata(document)
                case Status():
                    return [_version(entry) for entry in document["model_version_status"]]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            text = answer[:200].decode(errors="replace")
            raise ServingError(StatusCode.UNKNOWN, f"this is no answer of a model server: {text}") from error


def _path(target: Target) -> str:
    path = f"/v1/models/{quote(target.model, safe='')}"
    if target.version is not None:
        path += f"/versions/{target.version}"
    if target.label is not None:
        path += f"/labels/{quote(target.label, safe='')}"
    return path


def _plain(array: np.ndarray) -> Any:
    """An array as what `json.dumps` takes; bytes as `{"b64": …}`."""
    if tensor_proto.type_of(array).number != dtypes.STRING:
        return array.tolist()
    strings = np.empty(array.shape, object)
    strings.reshape(-1)[:] = [_string(value) for value in array.ravel().tolist()]
    return strings.tolist()


def _string(value: object) -> object:
    if isinstance(value, str):
        return value
    return {"b64": base64.b64encode(tensor_proto.encoded(value)).decode()}


def _arrays(outputs: Any, specs: Mapping[str, TensorSpec], may_have_more: bool) -> dict[str, np.ndarray]:
    is_named = isinstance(outputs, dict) and outputs.keys() != {"b64"}
    if not is_named and len(specs) == 1:
        outputs = {next(iter(specs)): outputs}
    elif not is_named or not _fit(outputs.keys(), specs.keys(), may_have_more):
        raise OutputsChangedError(specs)
    return {name: _array(outputs[name], spec) for name, spec in specs.items()}


def _fit(names: Set[str], wanted: Set[str], may_have_more: bool) -> bool:
    """Whether outputs that come with their names, as only several do, are those that are wanted."""
    return names >= wanted if may_have_more else len(wanted) > 1 and names == wanted


def _array(value: Any, spec: TensorSpec) -> np.ndarray:
    array = np.array(_strings(value) if spec.dtype == "string" else value, _NUMPY[spec.dtype])
    if not array.size and spec.shape is not None and array.ndim < len(spec.shape):
        return array.reshape([0, *(size or 0 for size in spec.shape[1:])])  # [] does not tell how wide its rows are
    return array


def _strings(value: Any) -> Any:
    if isinstance(value, list):
        return [_strings(item) for item in value]
    if isinstance(value, dict):
        return base64.b64decode(value["b64"], validate=True)
    return value.encode()


def _version(entry: Any) -> ModelVersion:
    status = entry["status"]
    code = StatusCode[status.get("error_code", "OK")]
    return ModelVersion(int(entry["version"]), State[entry["state"]], code, status.get("error_message", ""))


def _metadata(document: Any) -> ModelMetadata:
    spec, signatures = document["model_spec"], document["metadata"]["signature_def"]["signature_def"]
    return ModelMetadata(
        spec["name"],
        int(spec["version"]),
        {
            name: Signature(entry["method_name"], _specs(entry["inputs"]), _specs(entry["outputs"]))
            for name, entry in sorted(signatures.items())
        },
    )


def _specs(infos: Mapping[str, Any]) -> dict[str, TensorSpec]:
    return {
        name: TensorSpec(info["dtype"].removeprefix("DT_").lower(), _shape(info["tensor_shape"]))
        for name, info in sorted(infos.items())
    }


def _shape(shape: Mapping[str, Any]) -> tuple[int | None, ...] | None:
    if shape.get("unknown_rank"):
        return None
    sizes = [int(dim["size"]) for dim in shape.get("dim", ())]
    return tuple(None if size < 0 else size for size in sizes)
