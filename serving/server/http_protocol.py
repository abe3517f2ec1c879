"""uvicorn's HTTP connection, hardened: slow and flooding clients are shown out, work for one that has gone is ended.

httptools has no limit on headers and uvicorn none on the time a request or its answer may take on the wire.
"""

import asyncio
import enum
from dataclasses import dataclass
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from serving.server import json_tensor

_BAD_REQUEST, _TIMEOUT, _HEADERS_TOO_LARGE = 400, 408, 431

# What a header takes besides its text, as HTTP/2 counts (RFC 9113, 6.5.2): many empty ones are a flood too.
_HEADER_OVERHEAD = 32


@dataclass(frozen=True, slots=True)
class WireLimits:
    """How long a client may take, in seconds (0 is without limit), and how much it may send before the body.

    Attributes:
        header_seconds: from the connection, or the first byte of a later request, to the end of the headers.
        body_seconds: from the end of the headers to the end of the body.
        write_seconds: without the client taking any of an answer.
        header_bytes: request line and headers.
    """

    header_seconds: float = 10.0
    body_seconds: float = 30.0
    write_seconds: float = 30.0
    header_bytes: int = 65536


class _Stage(enum.Enum):
    """What is awaited from the client; NOTHING while a complete request is being answered."""

    HEADERS = "headers"
    BODY = "body"
    NOTHING = "nothing"


class _RefusedError(Exception):
    """Raised inside a parser callback, which ends the parsing."""


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    limits = WireLimits()

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._stage = _Stage.HEADERS
        self._timed: _Stage | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._header_bytes = 0
        self._has_ended = False
        self._answering: asyncio.Task[Any] | None = None
        self._lost = False
        self.url = b""
        self._inner = self.app
        self.app = self._answer

    # --- the client sends ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there; its request is awaited."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Parse what came; the callbacks below are called on the way."""
        if self._stage is _Stage.NOTHING and (self.cycle is None or self.cycle.response_complete):
            self._stage = _Stage.HEADERS
        self._has_ended = False
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        if self._stage is _Stage.HEADERS:
            self._count_headers(len(data))
        if self._stage is not self._timed:
            self._watch()

    def _parse(self, data: bytes) -> None:
        """Feed the parser. Raises httptools.HttpParserError.

        An offer to go on in another protocol, which Java's HttpClient makes with every request, is passed over (RFC
        9110, 7.8). httptools takes what follows such headers for that protocol, so they are parsed again without it.
        """
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            version = self.parser.get_http_version().encode()
            head = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
            head += [b"%s: %s" % (name, value) for name, value in self.headers if name != b"upgrade"]
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does it
            self._parse(b"\r\n".join([*head, b"", data[upgrade.args[0] :]]))

    def _count_headers(self, size: int) -> None:
        """Headers that are not complete. Behind another request in the same chunk, it is not known where they began."""
        self._header_bytes += 1 if self._has_ended else size
        if self._header_bytes > self.limits.header_bytes:
            self._refuse(_HEADERS_TOO_LARGE, self._too_many_headers())

    def on_message_begin(self) -> None:
        """A request begins."""
        self._stage, self._header_bytes = _Stage.HEADERS, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its answering begins, unless its headers are too many."""
        if self._headers_size() > self.limits.header_bytes:
            raise _RefusedError
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise _RefusedError
            return  # see _parse
        super().on_headers_complete()
        self._stage, self._header_bytes = _Stage.BODY, 0

    def on_message_complete(self) -> None:
        """All of the request is here."""
        if self._stage is not _Stage.BODY:
            return
        self._stage, self._has_ended = _Stage.NOTHING, True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """uvicorn calls it for whatever the parser did not like, one of our own exceptions among them."""
        if self._headers_size() > self.limits.header_bytes:
            self._refuse(_HEADERS_TOO_LARGE, self._too_many_headers())
        else:
            self._refuse(_BAD_REQUEST, msg)

    def _watch(self) -> None:
        """Restart the clock for what is awaited now."""
        self._timed = self._stage
        if self._timer:
            self._timer.cancel()
            self._timer = None
        seconds = {_Stage.HEADERS: self.limits.header_seconds, _Stage.BODY: self.limits.body_seconds}.get(self._stage)
        if seconds and not self.transport.is_closing():
            message = f"the request's {self._stage.value} did not come within {seconds:g} seconds"
            self._timer = self.loop.call_later(seconds, self._refuse, _TIMEOUT, message)

    def _headers_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + _HEADER_OVERHEAD for name, value in self.headers or ())

    def _too_many_headers(self) -> str:
        return f"the request line and the headers are larger than {self.limits.header_bytes} bytes"

    def _refuse(self, status: int, message: str) -> None:
        """Say why, where that can be taken for the answer to what was sent, and hang up."""
        if self.transport.is_closing():
            return
        if self._owes_answer(status):
            body = json_tensor.error_body(message)
            head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
            self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()
        self._await_reader()

    def _owes_answer(self, status: int) -> bool:
        if self._stage is _Stage.BODY:
            return not self.cycle.response_started
        silent = status == _TIMEOUT and not self._header_bytes
        return not silent and (self.cycle is None or self.cycle.response_complete)

    # --- the server answers ----------------------------------------------------------------------------------------

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        self._answering = asyncio.current_task()
        try:
            await self._inner(scope, receive, send)
        except asyncio.CancelledError:
            if not self._lost:
                raise
        finally:
            self._answering = None

    def on_response_complete(self) -> None:
        """All of the answer has been written, if not yet taken."""
        super().on_response_complete()
        if not self._writing:
            self._await_reader()

    def _await_reader(self) -> None:
        """Look again at an answer that is not on its way; a client that takes none would keep it in memory for good."""
        left = self.transport.get_write_buffer_size()
        if left and self.limits.write_seconds:
            self._writing = self.loop.call_later(self.limits.write_seconds, self._abort_if_stuck, self.cycle, left)

    def _abort_if_stuck(self, cycle: object, left: int) -> None:
        self._writing = None
        if cycle is self.cycle and self.transport.get_write_buffer_size() >= left:
            self.transport.abort()
        else:
            self._await_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        super().connection_lost(exc)
        self._lost = True
        for timer in (self._timer, self._writing):
            if timer:
                timer.cancel()
        if self._answering:
            self._answering.cancel()  # nobody waits for it any more
