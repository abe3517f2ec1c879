"""An HTTP request and its answer, each complete."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

MAX_BODY_BYTES = 100 * 2**20

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


# Answers one request; cancelled when the client has gone. What it raises is answered with 500 and logged.
Handler = Callable[[Request], Awaitable[Response]]
