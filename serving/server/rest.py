"""TF Serving's REST API as a bare ASGI application (model_servers/http_server.cc, http_rest_api_handler.cc)."""

import asyncio
import json
import re
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from google.protobuf import json_format

from serving.server import (
    examples,
    grpc_service,
    json_examples,
    json_tensor,
    predict,
    request_record,
    rest_body,
    rest_path,
)
from serving.server.errors import HTTP_STATUS, Code, StatusError, invalid
from serving.server.models import Models, log
from serving.server.served import Served
from serving.server.session_model import SessionModel
from serving.server.signature import DEFAULT_SIGNATURE
from serving.server.silent_tensorflow import get_model_metadata_pb2

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Answer = tuple[int, bytes]

_API = re.compile(r"/v1/.*", re.IGNORECASE | re.DOTALL)
_CONTENT_TYPE = (b"content-type", b"application/json")
_CORS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST, GET"),
    (b"access-control-allow-headers", b"Content-Type"),
)
_PAYLOAD_TOO_LARGE, _NOT_FOUND = 413, 404
_KINDS = {"classify": examples.CLASSIFICATION, "regress": examples.REGRESSION}


class RestApp:
    """The ASGI application over `models`; a request that takes longer than `timeout` seconds is answered with 504."""

    def __init__(
        self,
        models: Models[SessionModel],
        *,
        timeout: float = 30.0,
        cors: bool = False,
        max_body_bytes: int = rest_body.MAX_BYTES,
    ):
        self._models = models
        self._timeout = timeout
        self._max_body_bytes = max_body_bytes
        self._headers = [_CONTENT_TYPE, *(_CORS if cors else ())]

    async def __call__(self, scope: Message, receive: rest_body.Receive, send: Send) -> None:
        """Answer one request."""
        extra: list[tuple[bytes, bytes]] = []
        try:
            status, body = await self._answer(scope, receive)
        except StatusError as error:
            request_record.note_code(error.code)
            status, body = HTTP_STATUS[error.code], json_tensor.error_body(error.message)
        except rest_body.BodyTooLargeError as error:
            status, body = _PAYLOAD_TOO_LARGE, json_tensor.error_body(str(error))
            extra = [(b"connection", b"close")]
        except rest_body.ClientGoneError:
            return
        except Exception as error:  # noqa: BLE001  (one request must not be answered with silence)
            log("".join(traceback.format_exception(error)).rstrip())
            status, body = HTTP_STATUS[Code.INTERNAL], json_tensor.error_body(f"{type(error).__name__}: {error}")
        headers = [*self._headers, (b"content-length", b"%d" % len(body)), *extra]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Message, receive: rest_body.Receive) -> Answer:
        headers = dict(scope["headers"])
        path = scope["raw_path"].decode("latin-1")
        if scope["query_string"]:
            path += "?" + scope["query_string"].decode("latin-1")
        if not _API.fullmatch(path):
            return _NOT_FOUND, json_tensor.error_body("Not Found")
        if scope["method"] == "OPTIONS":
            if not headers.get(b"origin"):
                raise invalid("Origin header is missing in CORS preflight")
            return HTTP_STATUS[Code.OK], b""
        call = rest_path.parse(scope["method"], path)
        return HTTP_STATUS[Code.OK], await self._call(
            call, await rest_body.read(receive, headers, self._max_body_bytes)
        )

    async def _call(self, call: rest_path.Call, body: bytes) -> bytes:
        if call.verb == "predict":
            return await self._predict(call, body)
        if call.verb == "status":
            # As in TF Serving a label does not narrow the answer.
            return _json(_as_dict(grpc_service.status(self._models, call.name, call.version)))
        if call.verb == "metadata":
            return _json(_metadata(self._models.find(call.name, call.version, call.label)))
        return await self._infer(call, body)

    async def _predict(self, call: rest_path.Call, body: bytes) -> bytes:
        document, name = json_tensor.read_document(body)
        served = self._models.find(call.name, call.version, call.label)
        signature = served.model.signatures.get(name or DEFAULT_SIGNATURE)
        if signature is None:
            raise invalid(f'Serving signature name: "{name or DEFAULT_SIGNATURE}" not found in signature def')
        inputs, layout = json_tensor.read_inputs(document, signature.inputs, name)
        outputs = await predict.run(served, signature, tuple(signature.outputs), inputs)
        return json_tensor.write_outputs(outputs, layout)

    async def _infer(self, call: rest_path.Call, body: bytes) -> bytes:
        """Classify or regress."""
        document, name = json_tensor.read_document(body)
        rows = json_examples.read(document)
        served = self._models.find(call.name, call.version, call.label)
        prepared = examples.prepare(served.model, name, _KINDS[call.verb])
        (result,) = await examples.infer(served, [prepared], rows)
        return json_examples.write(result)


def _metadata(served: Served[SessionModel]) -> dict[str, Any]:
    response = grpc_service.metadata(served)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    return {"model_spec": _as_dict(response.model_spec), "metadata": {"signature_def": _as_dict(signatures)}}


def _as_dict(message: Any) -> dict[str, Any]:
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _json(value: Any) -> bytes:
    """Indented by one blank and ended by a new line, as protobuf's printer does it."""
    return json.dumps(value, indent=1).encode() + b"\n"
