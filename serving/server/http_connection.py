"""One HTTP/1.1 connection: httptools parses, the handler answers, slow and flooding clients are shown out.

An ASGI server would do, but takes as long for a request as everything else together (see benchmarks/serving.py): here
a request is handed on complete and answered in one piece, so that nothing has to be awaited in between.
"""

import asyncio
import enum
import time
from collections import deque
from dataclasses import dataclass, field
from http import HTTPStatus

import httptools

from serving.server import json_tensor
from serving.server.http_message import Handler, OnRefusal, Request, Response
from serving.server.log import log_error
from serving.server.wire_limits import WireLimits

# What a header takes besides its text, as HTTP/2 counts (RFC 9113, 6.5.2): many empty ones are a flood too.
_HEADER_OVERHEAD = 32

# Closing a socket with bytes unread resets the connection, which would take the answer from the client (RFC 9112, 9.6).
_LINGER_SECONDS = 2.0

# A client may send so many requests ahead; then it is not read any more, and not seen to have gone either.
_MAX_AHEAD = 8

# Longer bodies are not worth a copy to be sent together with the head.
_COPIED_BYTES = 65536

_NEVER = float("inf")


class _Stage(enum.StrEnum):
    """What is awaited: of the client, but ANSWER of us; at the END nothing it sends is looked at any more."""

    REQUEST = "request"
    HEADERS = "headers"
    BODY = "body"
    ANSWER = "answer"
    END = "end"


_READING = frozenset({_Stage.HEADERS, _Stage.BODY})


@dataclass(slots=True, eq=False)
class Shared:
    """What the connections of a server have in common.

    Attributes:
        handler: answers requests.
        limits: for clients.
        on_refusal: told of what never comes to the handler.
        connections: those that are open. Whoever keeps them calls `check` on each now and then, at least as often as
            the limits are to be kept.
        date: the header, which `tick` makes anew.
        is_stopping: whether nothing new is answered any more.
    """

    handler: Handler
    limits: WireLimits
    on_refusal: OnRefusal | None = None
    connections: set["Connection"] = field(default_factory=set)
    date: bytes = b""
    is_stopping: bool = False

    def tick(self) -> None:
        """Look at the time."""
        self.date = time.strftime("date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime()).encode()


class Connection(asyncio.Protocol):
    """Answers its requests in turn. A client that closes, be it only its own side, waits for no answer."""

    def __init__(self, shared: Shared):
        self._shared = shared
        self._limits = limits = shared.limits
        self._seconds = {
            _Stage.REQUEST: limits.idle_seconds,
            _Stage.HEADERS: limits.header_seconds,
            _Stage.BODY: limits.body_seconds,
            _Stage.ANSWER: 0.0,
            _Stage.END: _LINGER_SECONDS,
        }
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._stage = _Stage.HEADERS
        self._headers: dict[bytes, bytes] = {}
        self._url = b""
        self._parts: list[bytes] = []
        self._body_bytes = 0
        self._header_bytes = 0  # of the headers that have been parsed
        self._chunk_bytes = 0  # of what came while headers, or what frames a body, were awaited
        self._wants_leave = False  # to send the body
        self._refusal: Response | None = None
        self._queue: deque[Request | Response] = deque()
        self._answering: asyncio.Task[None] | None = None
        self._is_pumping = False
        self._is_full = False  # the client does not take what was written
        self._read_due = self._write_due = _NEVER
        self._unwritten = 0

    # --- the client sends ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there; its request is awaited."""
        self._transport = transport
        self._shared.connections.add(self)
        peer = transport.get_extra_info("peername")
        self._client = f"{peer[0]}:{peer[1]}" if peer else ""
        self._await(_Stage.HEADERS)
        if self._shared.is_stopping:
            transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """The client has gone; nobody waits for its answers any more."""
        self._shared.connections.discard(self)
        self._stage = _Stage.END
        self._queue.clear()
        if self._answering:
            self._answering.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse what came; the callbacks below are called on the way."""
        if self._stage is _Stage.END:
            return
        if self._stage is _Stage.REQUEST:
            self._await(_Stage.HEADERS)
            self._chunk_bytes = 0
        if self._stage in _READING:
            self._chunk_bytes += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError:
            self._refuse(self._refusal or _refusal(HTTPStatus.BAD_REQUEST, "Invalid HTTP request received."))
        else:
            if self._stage in _READING and self._chunk_bytes > self._limits.header_bytes:
                self._refuse(self._too_many_headers())
        self._pump()

    def _parse(self, data: bytes) -> None:
        """Feed the parser. Raises httptools.HttpParserError.

        An offer to go on in another protocol, which Java's HttpClient makes with every request, is passed over (RFC
        9110, 7.8). httptools takes what follows such headers for that protocol, so they are parsed again without it.
        """
        while True:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                version = self._parser.get_http_version().encode()
                head = [b"%b %b HTTP/%b" % (self._parser.get_method(), self._url, version)]
                head += [b"%b: %b" % header for header in self._headers.items() if header[0] != b"upgrade"]
                self._parser = httptools.HttpRequestParser(self)
                data = b"\r\n".join([*head, b"", data[upgrade.args[0] :]])
            else:
                return

    def on_message_begin(self) -> None:
        """A request begins, perhaps behind another one in the same chunk."""
        if self._stage is not _Stage.HEADERS:
            self._await(_Stage.HEADERS)
            self._chunk_bytes = 1
        self._headers = {}
        self._url = b""
        self._parts = []
        self._header_bytes = self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        """The target, or the next part of it."""
        self._url += url
        self._count_header(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        name, headers = name.lower(), self._headers
        if self._stage is not _Stage.BODY:  # else it is a trailer, which must not pass for a header
            headers[name] = headers[name] + b", " + value if name in headers else value
        self._count_header(len(name) + len(value) + _HEADER_OVERHEAD)

    def _count_header(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > self._limits.header_bytes:
            self._stop_parsing(self._too_many_headers())

    def on_headers_complete(self) -> None:
        """The body follows."""
        if self._parser.should_upgrade():
            if self._parser.get_method() == b"CONNECT":
                raise _RefusedError
            return  # see _parse
        self._chunk_bytes = 0
        self._await(_Stage.BODY)
        headers = self._headers
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._limits.body_bytes:
            self._stop_parsing(self._too_large())
        self._wants_leave = headers.get(b"expect", b"").lower() == b"100-continue"
        self._give_leave()

    def _give_leave(self) -> None:
        if self._wants_leave and self._stage is _Stage.BODY and not self._is_busy():
            self._wants_leave = False
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        """A part of the body."""
        self._chunk_bytes = 0
        self._body_bytes += len(part)
        if self._body_bytes > self._limits.body_bytes:
            self._stop_parsing(self._too_large())
        self._parts.append(part)

    def on_message_complete(self) -> None:
        """All of the request is here."""
        if self._stage is not _Stage.BODY:
            return
        self._await(_Stage.ANSWER)
        parser, parts = self._parser, self._parts
        self._queue.append(
            Request(
                parser.get_method().decode("latin-1"),
                _path_and_query(self._url).decode("latin-1"),
                self._headers,
                parts[0] if len(parts) == 1 else b"".join(parts),
                self._client,
                parser.get_http_version(),
                parser.should_keep_alive(),
            )
        )
        self._url, self._headers, self._parts = b"", {}, []

    def _await(self, stage: _Stage) -> None:
        """Start the clock for what is awaited now."""
        self._stage = stage
        seconds = self._seconds[stage]
        self._read_due = self._loop.time() + seconds if seconds else _NEVER

    # --- the client is refused -------------------------------------------------------------------------------------

    def _stop_parsing(self, refusal: Response) -> None:
        """For the parser's callbacks: an exception in one ends the parsing."""
        self._refusal = refusal
        raise _RefusedError

    def _refuse(self, refusal: Response) -> None:
        """Answer with `refusal` when its turn has come; nothing that comes later is looked at."""
        self._await(_Stage.END)
        if self._shared.on_refusal:
            method = self._parser.get_method().decode("latin-1") if self._url else ""
            known = Request(method, self._url.decode("latin-1"), self._headers, client=self._client)
            self._shared.on_refusal(known, refusal)
        self._queue.append(refusal)
        self._pump()

    def _too_many_headers(self) -> Response:
        return _refusal(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"the request line and the headers are larger than {self._limits.header_bytes} bytes",
        )

    def _too_large(self) -> Response:
        return _refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"request body is larger than {self._limits.body_bytes} bytes"
        )

    def check(self, now: float) -> None:
        """Show out a client that has taken too long; `now` is the event loop's time."""
        if now >= self._write_due:
            self._check_writing()
        if now < self._read_due or not self._transport.is_reading() or (self._stage is _Stage.END and self._is_busy()):
            return
        if not self._has_begun():
            self._transport.close()
            return
        message = f"the request's {self._stage} did not come within {self._seconds[self._stage]:g} seconds"
        self._refuse(_refusal(HTTPStatus.REQUEST_TIMEOUT, message))

    def stop(self) -> None:
        """Answer what has come, and what has begun to come, then close; the server is stopping."""
        if not self._is_busy() and not self._has_begun():
            self._transport.close()

    def _has_begun(self) -> bool:
        """Whether a part of a request has come, and the rest is awaited."""
        return self._stage is _Stage.BODY or (self._stage is _Stage.HEADERS and self._chunk_bytes > 0)

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    # --- the server answers ----------------------------------------------------------------------------------------

    def _is_busy(self) -> bool:
        return bool(self._answering or self._queue)

    def _pump(self) -> None:
        """Answer what is queued, one after the other."""
        if self._is_pumping:
            return
        self._is_pumping = True
        while self._queue and not self._answering and not self._is_full:
            queued = self._queue.popleft()
            if isinstance(queued, Response):
                self._write(queued, Request("", "", keep_alive=False))
                continue
            task = asyncio.Task(self._answer(queued), loop=self._loop, eager_start=True)
            if not task.done():
                self._answering = task
        self._is_pumping = False
        if self._stage is _Stage.END:
            return
        self._give_leave()
        if len(self._queue) > _MAX_AHEAD:
            self._transport.pause_reading()
        elif not self._transport.is_reading():
            self._await(self._stage)
            self._transport.resume_reading()

    async def _answer(self, request: Request) -> None:
        try:
            response = await self._shared.handler(request)
        except Exception as error:  # noqa: BLE001  (one request must not be answered with silence)
            log_error(error)
            response = _refusal(HTTPStatus.INTERNAL_SERVER_ERROR, f"{type(error).__name__}: {error}")
        self._answering = None
        self._write(response, request)
        self._pump()

    def _write(self, response: Response, request: Request) -> None:
        if self._transport.is_closing():
            return
        is_last = self._shared.is_stopping and not self._queue and not self._has_begun()
        closes = response.close or is_last or not request.keep_alive
        head = response.head(request, self._shared.date, closes=closes)
        body = b"" if request.method == "HEAD" else response.body
        if len(body) > _COPIED_BYTES:
            self._transport.write(head)
            self._transport.write(body)
        else:
            self._transport.write(head + body)
        self._await_reader()
        if closes:
            self._end()
        elif self._stage is _Stage.ANSWER and not self._queue:
            self._await(_Stage.REQUEST)

    def _end(self) -> None:
        """Say that nothing follows, and wait a little for the client to close."""
        self._queue.clear()
        self._await(_Stage.END)
        if not self._transport.is_reading():
            self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _await_reader(self) -> None:
        """Start the clock for an answer that is not on its way; a client that takes none would keep it in memory."""
        self._unwritten = self._transport.get_write_buffer_size()
        has_limit = self._unwritten and self._limits.write_seconds
        self._write_due = self._loop.time() + self._limits.write_seconds if has_limit else _NEVER

    def _check_writing(self) -> None:
        if self._transport.get_write_buffer_size() >= self._unwritten:
            self._transport.abort()
        else:
            self._await_reader()

    def pause_writing(self) -> None:
        """The client takes answers more slowly than it asks."""
        self._is_full = True

    def resume_writing(self) -> None:
        """It has caught up."""
        self._is_full = False
        self._pump()


def _path_and_query(url: bytes) -> bytes:
    """The target without the scheme and host that a client may name as if we were a proxy (RFC 9112, 3.2.2)."""
    if not url.startswith((b"http://", b"https://")):
        return url
    parsed = httptools.parse_url(url)
    return (parsed.path or b"/") + (b"?" + parsed.query if parsed.query else b"")


class _RefusedError(Exception):
    """Raised inside a parser callback, which ends the parsing."""


def _refusal(status: HTTPStatus, message: str) -> Response:
    return Response(status.value, json_tensor.error_body(message), close=True)
