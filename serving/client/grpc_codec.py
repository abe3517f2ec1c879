"""Requests and results as the messages of TF Serving's gRPC API."""

from typing import Any

import numpy as np
from grpc import StatusCode

from serving import dtypes, tensor_proto
from serving.client.calls import Metadata, Predict, Request, Status, Target
from serving.client.results import ModelMetadata, ModelVersion, Signature, State, TensorSpec
from serving.protos import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    GetModelStatusRequest,
    GetModelStatusResponse,
    PredictRequest,
    PredictResponse,
    SignatureDefMap,
)

_CODES = {code.value[0]: code for code in StatusCode}
_SIGNATURES = "signature_def"


class GrpcCodec:
    """The address of a request is the full name of its method."""

    names_outputs = True
    """Whether an answer tells names and types by itself."""

    def encode(self, request: Request) -> tuple[str, bytes]:
        """Address and bytes of a request. Raises TypeError for a value that cannot be sent as a tensor."""
        match request:
            case Predict():
                return "/tensorflow.serving.PredictionService/Predict", _predict(request)
            case Metadata():
                message = GetModelMetadataRequest(metadata_field=[_SIGNATURES])
                method = "/tensorflow.serving.PredictionService/GetModelMetadata"
            case Status():
                message = GetModelStatusRequest()
                method = "/tensorflow.serving.ModelService/GetModelStatus"
        _fill_spec(message.model_spec, request.target)
        return method, message.SerializeToString()

    def decode(self, request: Request, answer: bytes) -> Any:
        """What an answer holds: arrays by name, `ModelVersion`s or `ModelMetadata`."""
        match request:
            case Predict():
                return _arrays(PredictResponse.FromString(answer))
            case Metadata():
                return _metadata(GetModelMetadataResponse.FromString(answer))
            case Status():
                return [_version(entry) for entry in GetModelStatusResponse.FromString(answer).model_version_status]


def _predict(request: Predict) -> bytes:
    message = PredictRequest()
    _fill_spec(message.model_spec, request.target)
    message.model_spec.signature_name = request.signature
    for name, array in request.inputs.items():
        tensor_proto.fill(message.inputs[name], array)
    return message.SerializeToString()


def _fill_spec(spec: Any, target: Target) -> None:
    spec.name = target.model
    if target.version is not None:
        spec.version.value = target.version
    if target.label is not None:
        spec.version_label = target.label


def _arrays(message: Any) -> dict[str, np.ndarray]:
    return {name: tensor_proto.to_array(proto) for name, proto in message.outputs.items()}


def _version(entry: Any) -> ModelVersion:
    code = _CODES.get(entry.status.error_code, StatusCode.UNKNOWN)
    return ModelVersion(entry.version, State(entry.state), code, entry.status.error_message)


def _metadata(message: Any) -> ModelMetadata:
    signatures = SignatureDefMap.FromString(message.metadata[_SIGNATURES].value).signature_def
    return ModelMetadata(
        message.model_spec.name,
        message.model_spec.version.value,
        {
            name: Signature(proto.method_name, _specs(proto.inputs.items()), _specs(proto.outputs.items()))
            for name, proto in sorted(signatures.items())
        },
    )


def _specs(infos: Any) -> dict[str, TensorSpec]:
    return {name: TensorSpec(dtypes.name_of(info.dtype), _shape(info.tensor_shape)) for name, info in sorted(infos)}


def _shape(proto: Any) -> tuple[int | None, ...] | None:
    if proto.unknown_rank:
        return None
    return tuple(None if dim.size < 0 else dim.size for dim in proto.dim)
