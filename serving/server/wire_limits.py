"""What an HTTP client may cost before its request is complete, and while it takes the answer."""

from dataclasses import dataclass

from serving.server.http_message import MAX_BODY_BYTES


@dataclass(frozen=True, slots=True)
class WireLimits:
    """How long a client may take, in seconds (0 is without limit), and how much it may send.

    Attributes:
        header_seconds: from the connection, or the first byte of a later request, to the end of the headers.
        body_seconds: from the end of the headers to the end of the body.
        write_seconds: without the client taking any of an answer.
        idle_seconds: from an answer to the first byte of the next request.
        header_bytes: request line and headers.
        body_bytes: the body as sent.
    """

    header_seconds: float = 10.0
    body_seconds: float = 30.0
    write_seconds: float = 30.0
    idle_seconds: float = 75.0
    header_bytes: int = 65536
    body_bytes: int = MAX_BODY_BYTES
