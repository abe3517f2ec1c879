"""TF Serving's REST API (model_servers/http_server.cc, http_rest_api_handler.cc): a request in, its answer out."""

import asyncio
import json
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any

from google.protobuf import json_format

from serving.server import (
    examples,
    grpc_service,
    json_examples,
    json_parse,
    json_tensor,
    predict,
    request_record,
    rest_body,
    rest_path,
)
from serving.server.errors import HTTP_STATUS, Code, StatusError, invalid
from serving.server.http_message import MAX_BODY_BYTES, Request, Response
from serving.server.log import log_error
from serving.server.models import Models
from serving.server.served import Served
from serving.server.session_model import SessionModel
from serving.server.signature import DEFAULT_SIGNATURE
from serving.server.silent_tensorflow import get_model_metadata_pb2

_API = "/v1/"
_CORS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST, GET"),
    (b"access-control-allow-headers", b"Content-Type"),
)
_OK, _NOT_FOUND, _PAYLOAD_TOO_LARGE = 200, 404, 413
_KINDS = {"classify": examples.CLASSIFICATION, "regress": examples.REGRESSION}

# What may take seconds for a larger body is done in a thread; for one of this size it takes 20 ms at most.
_SMALL_BYTES = 2**14

# Clients ask for few paths, again and again.
_call = lru_cache(128)(rest_path.parse)


class RestApp:
    """The handler over `models`; a request body may have `max_body_bytes`, decompressed."""

    def __init__(self, models: Models[SessionModel], *, cors: bool = False, max_body_bytes: int = MAX_BODY_BYTES):
        self._models = models
        self._max_body_bytes = max_body_bytes
        self._headers = list(_CORS) if cors else []
        self._aside = ThreadPoolExecutor(1, "large bodies")  # more would only take the interpreter from the event loop

    async def __call__(self, request: Request) -> Response:
        """Answer one request; whatever happens is in the answer."""
        try:
            status, body = await self._answer(request)
        except StatusError as error:
            request_record.note_code(error.code)
            status, body = HTTP_STATUS[error.code], json_tensor.error_body(error.message)
        except rest_body.BodyTooLargeError as error:
            status, body = _PAYLOAD_TOO_LARGE, json_tensor.error_body(str(error))
        except Exception as error:  # noqa: BLE001  (one request must not be answered with silence)
            log_error(error)
            status, body = HTTP_STATUS[Code.INTERNAL], json_tensor.error_body(f"{type(error).__name__}: {error}")
        return Response(status, body, headers=self._headers.copy())

    async def _answer(self, request: Request) -> tuple[int, bytes]:
        if request.target[: len(_API)].lower() != _API:
            return _NOT_FOUND, json_tensor.error_body("Not Found")
        if request.method == "OPTIONS":
            if not request.headers.get(b"origin"):
                raise invalid("Origin header is missing in CORS preflight")
            return _OK, b""
        call = _call(request.method, request.target)
        return _OK, await self._call(call, await self._body(request))

    async def _body(self, request: Request) -> bytes:
        if not rest_body.is_encoded(request.headers):
            return request.body
        if len(request.body) <= _SMALL_BYTES:
            return rest_body.decoded(request.body, self._max_body_bytes)
        return await self._do_aside(rest_body.decoded, request.body, self._max_body_bytes)

    async def _document(self, body: bytes) -> tuple[dict[str, Any], str]:
        if len(body) <= _SMALL_BYTES:
            return json_tensor.read_document(body)
        try:
            return json_tensor.read_document(body, json_parse.parse_strictly)
        except ValueError:
            record = request_record.current.get()
            parse = partial(json_parse.parse_thoroughly, until=record.deadline if record else math.inf)
            return await self._do_aside(json_tensor.read_document, body, parse)

    async def _do_aside[*Args, Result](self, work: Callable[[*Args], Result], *args: *Args) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._aside, work, *args)

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
        document, name = await self._document(body)
        served = self._models.find(call.name, call.version, call.label)
        signature = served.model.signatures.get(name or DEFAULT_SIGNATURE)
        if signature is None:
            raise invalid(f'Serving signature name: "{name or DEFAULT_SIGNATURE}" not found in signature def')
        inputs, layout = json_tensor.read_inputs(document, signature.inputs, name)
        outputs = await predict.run(served, signature, tuple(signature.outputs), inputs)
        return json_tensor.write_outputs(outputs, layout)

    async def _infer(self, call: rest_path.Call, body: bytes) -> bytes:
        """Classify or regress."""
        document, name = await self._document(body)
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
