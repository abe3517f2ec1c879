"""TF Serving's gRPC API: PredictionService and ModelService.

A method that is not in `handlers` is answered with UNIMPLEMENTED by gRPC itself.
"""

from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from serving import tensor_proto
from serving.server import config_file, examples, predict
from serving.server.errors import Code, StatusError, invalid
from serving.server.log import log_error
from serving.server.models import Models
from serving.server.served import Served
from serving.server.session_model import SessionModel
from serving.server.signature import DEFAULT_SIGNATURE
from serving.server.silent_tensorflow import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

# gRPC carries the text in a header; a longer one would make many clients drop the whole answer.
_MAX_DETAILS = 4096

_NO_LIMIT = -1
OPTIONS = [
    ("grpc.max_receive_message_length", _NO_LIMIT),
    ("grpc.max_send_message_length", _NO_LIMIT),
    ("grpc.so_reuseport", 0),  # a port in use is an error, not a share of somebody else's requests
]


class GrpcService:
    """The methods; each takes a request message and returns a response message or raises StatusError."""

    def __init__(self, models: Models[SessionModel]):
        self._models = models

    async def predict(self, request: Any) -> Any:
        """PredictionService.Predict."""
        served = self._find(request)
        spec = request.model_spec
        name = spec.signature_name or DEFAULT_SIGNATURE
        signature = served.model.signatures.get(name)
        if signature is None:
            raise StatusError(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
        predict.check_names(signature, request.inputs)
        inputs = {alias: _array(alias, request.inputs[alias]) for alias in signature.inputs}
        wanted = predict.wanted_outputs(signature, request.output_filter)
        outputs = await predict.run(served, signature, wanted, inputs)
        response = predict_pb2.PredictResponse(model_spec=_spec(served.name, served.version, name))
        for alias, array in outputs.items():
            tensor_proto.fill(response.outputs[alias], array)
        return response

    async def classify(self, request: Any) -> Any:
        """PredictionService.Classify."""
        return await self._infer(request, examples.CLASSIFICATION, classification_pb2.ClassificationResponse())

    async def regress(self, request: Any) -> Any:
        """PredictionService.Regress."""
        return await self._infer(request, examples.REGRESSION, regression_pb2.RegressionResponse())

    async def _infer(self, request: Any, kind: examples.Kind, response: Any) -> Any:
        served = self._find(request)
        call = examples.prepare(served.model, request.model_spec.signature_name, kind)
        (result,) = await examples.infer(served, [call], examples.serialized(request.input))
        _fill_spec(response.model_spec, served, call.signature.name)
        result.fill(response.result)
        return response

    async def multi_inference(self, request: Any) -> Any:
        """PredictionService.MultiInference: several signatures of one model on the same examples."""
        if not request.tasks:
            raise invalid("ModelSpec has no name specified.")
        served = self._lookup(request.tasks[0].model_spec)
        calls = examples.prepare_all(served.model, request.tasks)
        results = await examples.infer(served, calls, examples.serialized(request.input))
        response = inference_pb2.MultiInferenceResponse()
        for call, result in zip(calls, results, strict=True):
            entry = response.results.add()
            _fill_spec(entry.model_spec, served, call.signature.name)
            result.fill(getattr(entry, call.kind.field))
        return response

    async def get_model_metadata(self, request: Any) -> Any:
        """PredictionService.GetModelMetadata."""
        _require_spec(request)
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != "signature_def":
                raise invalid(f"Metadata field {field} is not supported")
        return metadata(self._find(request))

    async def get_model_status(self, request: Any) -> Any:
        """ModelService.GetModelStatus."""
        _require_spec(request)
        spec = request.model_spec
        return status(self._models, spec.name, spec.version.value if spec.HasField("version") else None)

    async def handle_reload_config_request(self, request: Any) -> Any:
        """ModelService.HandleReloadConfigRequest: serve these models and no others."""
        if request.config.WhichOneof("config") != "model_config_list":
            raise invalid(
                "ServerModelConfig type not supported by HandleReloadConfigRequest."
                " Only ModelConfigList is currently supported"
            )
        try:
            await self._models.reload(config_file.from_message(request.config))
        except config_file.ConfigError as error:
            raise invalid(str(error)) from error
        response = model_management_pb2.ReloadConfigResponse()
        response.status.SetInParent()
        return response

    def _find(self, request: Any) -> Served[SessionModel]:
        _require_spec(request)
        return self._lookup(request.model_spec)

    def _lookup(self, spec: Any) -> Served[SessionModel]:
        choice = spec.WhichOneof("version_choice")
        return self._models.find(
            spec.name,
            version=spec.version.value if choice == "version" else None,
            label=spec.version_label if choice == "version_label" else None,
        )

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """For `grpc.aio.Server.add_generic_rpc_handlers`."""
        return [
            grpc.method_handlers_generic_handler(
                "tensorflow.serving.PredictionService",
                {
                    "Predict": _handler(self.predict, predict_pb2.PredictRequest),
                    "Classify": _handler(self.classify, classification_pb2.ClassificationRequest),
                    "Regress": _handler(self.regress, regression_pb2.RegressionRequest),
                    "MultiInference": _handler(self.multi_inference, inference_pb2.MultiInferenceRequest),
                    "GetModelMetadata": _handler(
                        self.get_model_metadata, get_model_metadata_pb2.GetModelMetadataRequest
                    ),
                },
            ),
            grpc.method_handlers_generic_handler(
                "tensorflow.serving.ModelService",
                {
                    "GetModelStatus": _handler(self.get_model_status, get_model_status_pb2.GetModelStatusRequest),
                    "HandleReloadConfigRequest": _handler(
                        self.handle_reload_config_request, model_management_pb2.ReloadConfigRequest
                    ),
                },
            ),
        ]


def metadata(served: Served[SessionModel]) -> Any:
    """GetModelMetadataResponse of one version."""
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    _fill_spec(response.model_spec, served, "")
    signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=served.model.signature_defs)
    response.metadata["signature_def"].Pack(signatures)
    return response


def status(models: Models[SessionModel], name: str, version: int | None) -> Any:
    """GetModelStatusResponse of a model, or of one of its versions. Raises StatusError (NOT_FOUND)."""
    response = get_model_status_pb2.GetModelStatusResponse()
    for number, known in models.status(name, version):
        entry = response.model_version_status.add(version=number, state=int(known.state))
        entry.status.error_code = known.error.code.value[0] if known.error else 0
        entry.status.error_message = known.error.message if known.error else ""
    return response


def _require_spec(request: Any) -> None:
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")


def _fill_spec(spec: Any, served: Served[SessionModel], signature: str) -> None:
    spec.CopyFrom(_spec(served.name, served.version, signature))


@lru_cache(256)
def _spec(name: str, version: int, signature: str) -> Any:
    return model_pb2.ModelSpec(name=name, version={"value": version}, signature_name=signature)


def _array(alias: str, proto: Any) -> Any:
    try:
        return tensor_proto.to_array(proto)
    except ValueError as error:
        raise invalid(f"tensor parsing error: {alias}: {error}") from error


def _handler(method: Callable[[Any], Awaitable[Any]], request_type: Any) -> grpc.RpcMethodHandler:
    async def answer(raw: bytes, context: grpc.aio.ServicerContext) -> Any:
        try:
            return await method(_parsed(raw, request_type))
        except StatusError as error:
            code, details = error.code, error.message
        except Exception as error:  # noqa: BLE001  (one request must not be answered with silence)
            log_error(error)
            code, details = Code.INTERNAL, f"{type(error).__name__}: {error}"
        return await context.abort(code, details[:_MAX_DETAILS])

    return grpc.unary_unary_rpc_method_handler(answer, response_serializer=_serialize)


def _parsed(raw: bytes, request_type: Any) -> Any:
    """The request message. Left to gRPC, one that cannot be parsed would be answered with a Python exception's name."""
    try:
        return request_type.FromString(raw)
    except DecodeError as error:
        raise StatusError(Code.INTERNAL, str(error)) from error


def _serialize(message: Any) -> bytes:
    return message.SerializeToString()
