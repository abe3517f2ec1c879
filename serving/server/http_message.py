"""An HTTP request and its answer, each complete."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus

MAX_BODY_BYTES = 100 * 2**20

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_STATUS_LINES[499] = b"HTTP/1.1 499 Client Closed Request\r\n"

JSON, TEXT = b"application/json", b"text/plain"


@dataclass(slots=True)
class Request:
    """What a client asks.

    Attributes:
        method: as sent, in capitals for all that are known.
        target: path and query as sent, not decoded.
        headers: by name in small letters; those sent twice with a comma between.
        body: its bytes without transfer encoding; content encodings are left as they are.
        client: where it comes from, `host:port`.
        version: of HTTP.
        keep_alive: whether more requests may follow on its connection.
    """

    method: str
    target: str
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    client: str = ""
    version: str = "1.1"
    keep_alive: bool = True

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


@dataclass(slots=True)
class Response:
    """What it is answered. Length, date and connection are added on the way out.

    Attributes:
        status: of the status line.
        body: left out on the way to a HEAD request.
        content_type: of the body.
        headers: further ones, name and value.
        close: whether it is the last on its connection.
    """

    status: int
    body: bytes = b""
    content_type: bytes = JSON
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    close: bool = False

    def head(self, request: Request, date: bytes, *, closes: bool) -> bytes:
        """All that goes before the body.

        Args:
            request: what is answered.
            date: a whole header.
            closes: whether the connection ends after it.
        """
        lines = [
            b"%b%bcontent-type: %b\r\ncontent-length: %d\r\n"
            % (_STATUS_LINES[self.status], date, self.content_type, len(self.body))
        ]
        lines += [b"%b: %b\r\n" % header for header in self.headers]
        if closes:
            lines.append(b"connection: close\r\n")
        elif request.version == "1.0":
            lines.append(b"connection: keep-alive\r\n")  # which is not what such a client expects
        lines.append(b"\r\n")
        return b"".join(lines)


# Told of a request that is refused on the wire, as far as it is known, and of the answer; it may add headers to that.
OnRefusal = Callable[[Request, Response], None]

# Answers one request; cancelled when the client has gone. What it raises is answered with 500 and logged.
Handler = Callable[[Request], Awaitable[Response]]
