"""The outermost REST application: what needs no model, and what is done around every request of the API."""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from serving.server import health, json_tensor, rest_body
from serving.server.errors import HTTP_STATUS, Code, StatusError
from serving.server.models import Models
from serving.server.observer import REQUEST_ID, Observer

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, rest_body.Receive, Send], Awaitable[None]]
Page = tuple[int, bytes, bytes]

_JSON, _TEXT, _PROMETHEUS = b"application/json", b"text/plain", b"text/plain; version=0.0.4; charset=utf-8"
_OK, _UNAVAILABLE = 200, 503
_ID_HEADER = REQUEST_ID.encode()
_CODES = {status: code for code, status in reversed(HTTP_STATUS.items())} | {413: Code.RESOURCE_EXHAUSTED}


class RestFront:
    """Answers its own pages and hands everything else on to `app`, observed.

    Args:
        app: TF Serving's API.
        models: for readiness and the list.
        observer: sees every request that goes on to `app`.
        timeout: seconds a request may take; 0 is without limit.
        metrics_path: where the metrics are; "" for nowhere.
        list_models: whether GET /v1/models lists them; TF Serving answers 400.
    """

    def __init__(
        self,
        app: App,
        models: Models[Any],
        observer: Observer,
        *,
        timeout: float = 0.0,
        metrics_path: str = "",
        list_models: bool = False,
    ):
        self._app = app
        self._models = models
        self._observer = observer
        self._timeout = timeout or math.inf
        self._pages: dict[bytes, Callable[[], Page]] = {b"/healthz": self._alive, b"/readyz": self._ready}
        if metrics_path:
            self._pages[metrics_path.encode()] = self._metrics
        if list_models:
            self._pages[b"/v1/models"] = self._list

    async def __call__(self, scope: Message, receive: rest_body.Receive, send: Send) -> None:
        """Answer one request."""
        page = self._pages.get(scope["raw_path"])
        if page and scope["method"] in {"GET", "HEAD"}:
            await _send(send, *page())
            return
        path = scope["raw_path"].decode("latin-1")
        record = self._observer.begin("REST", _api(path), _request_id(scope), time.monotonic() + self._timeout)
        record.target = f"{scope['method']} {path}"
        if self._observer.names_clients and scope["client"]:
            record.client = "{}:{}".format(*scope["client"])
        id_header = (_ID_HEADER, record.id.encode())

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.http_status = message["status"]
                message["headers"].append(id_header)
            await send(message)

        try:
            self._observer.admit()
            await self._app(scope, receive, answer)
        except StatusError as error:
            await _send(answer, HTTP_STATUS[error.code], _JSON, json_tensor.error_body(error.message))
        except asyncio.CancelledError:
            record.code = Code.CANCELLED
            raise
        finally:
            if record.code is Code.OK:
                record.code = _CODES.get(record.http_status, Code.CANCELLED)
            self._observer.end(record)

    def _alive(self) -> Page:
        return _OK, _TEXT, b"ok\n"

    def _ready(self) -> Page:
        models = health.ready(self._models)
        return _OK if all(models.values()) else _UNAVAILABLE, _JSON, json.dumps(models).encode()

    def _metrics(self) -> Page:
        metrics = self._observer.metrics
        return _OK, _PROMETHEUS, metrics.page(self._observer.in_flight).encode() if metrics else b""

    def _list(self) -> Page:
        models = [
            {
                "name": name,
                "versions": [
                    {"version": str(number), "state": state.name} for number, state in sorted(versions.items())
                ],
            }
            for name, versions in self._models.states().items()
        ]
        return _OK, _JSON, json.dumps({"models": models}).encode()


def _api(path: str) -> str:
    """The verb behind the colon, or what a GET asks for."""
    verb = path.rpartition(":")[2]
    if verb.lower() in {"predict", "classify", "regress"}:
        return verb.lower()
    if not path.lower().startswith("/v1/models"):
        return "other"
    return "metadata" if path.lower().endswith("/metadata") else "status"


def _request_id(scope: Message) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == _ID_HEADER), "")


async def _send(send: Send, status: int, content_type: bytes, body: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
