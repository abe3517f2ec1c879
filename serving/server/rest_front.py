"""The outermost REST handler: what needs no model, and what is done around every request of the API."""

import json
import math
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from serving.server import health, json_tensor
from serving.server.errors import HTTP_STATUS, Code, StatusError
from serving.server.http_message import TEXT, Handler, Request, Response
from serving.server.models import Models
from serving.server.observer import REQUEST_ID, Observer, usable_id
from serving.server.request_record import RequestRecord

_PROMETHEUS = b"text/plain; version=0.0.4; charset=utf-8"
_OK, _UNAVAILABLE = 200, 503
_ID_HEADER = REQUEST_ID.encode()
_CODES = {status: code for code, status in reversed(HTTP_STATUS.items())} | {
    408: Code.DEADLINE_EXCEEDED,
    413: Code.RESOURCE_EXHAUSTED,
    431: Code.RESOURCE_EXHAUSTED,
}


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
        app: Handler,
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
        self._pages: dict[str, Callable[[], Response]] = {"/healthz": self._alive, "/readyz": self._ready}
        if metrics_path:
            self._pages[metrics_path] = self._metrics
        if list_models:
            self._pages["/v1/models"] = self._list

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        path = request.path
        page = self._pages.get(path)
        if page and request.method in {"GET", "HEAD"}:
            return page()
        record = self._observer.begin("REST", _api(path), _sent_id(request), time.monotonic() + self._timeout)
        if self._observer.names_requests:
            record.target, record.client = f"{request.method} {path}", request.client
        record.code = Code.CANCELLED
        try:
            response = self._refusal() or await self._app(request)
            record.http_status = response.status
            record.code = _CODES[response.status] if record.code is Code.CANCELLED else record.code
        finally:
            self._observer.end(record)
        response.headers.append((_ID_HEADER, record.id.encode()))
        return response

    def note_refusal(self, request: Request, response: Response) -> None:
        """Observe a request that was refused on the wire."""
        target = f"{request.method} {request.path}".strip()
        record = RequestRecord("REST", _api(request.path), usable_id(_sent_id(request)), target, request.client)
        record.code, record.http_status = _CODES[response.status], response.status
        self._observer.note(record)
        response.headers.append((_ID_HEADER, record.id.encode()))

    def _refusal(self) -> Response | None:
        """The answer to a request that is one too many."""
        try:
            self._observer.admit()
        except StatusError as error:
            return Response(HTTP_STATUS[error.code], json_tensor.error_body(error.message))
        return None

    def _alive(self) -> Response:
        return Response(_OK, b"ok\n", TEXT)

    def _ready(self) -> Response:
        models = health.ready(self._models)
        return Response(_OK if all(models.values()) else _UNAVAILABLE, json.dumps(models).encode())

    def _metrics(self) -> Response:
        metrics = self._observer.metrics
        return Response(_OK, metrics.page(self._observer.in_flight).encode() if metrics else b"", _PROMETHEUS)

    def _list(self) -> Response:
        models = [
            {
                "name": name,
                "versions": [
                    {"version": str(number), "state": state.name} for number, state in sorted(versions.items())
                ],
            }
            for name, versions in self._models.states().items()
        ]
        return Response(_OK, json.dumps({"models": models}).encode())


def _sent_id(request: Request) -> str:
    return request.headers.get(_ID_HEADER, b"").decode("latin-1")


@lru_cache(128)
def _api(path: str) -> str:
    """The verb behind the colon, or what a GET asks for."""
    verb = path.rpartition(":")[2]
    if verb.lower() in {"predict", "classify", "regress"}:
        return verb.lower()
    if not path.lower().startswith("/v1/models"):
        return "other"
    return "metadata" if path.lower().endswith("/metadata") else "status"
