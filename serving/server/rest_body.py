"""Reading the body of a REST request: its parts put together, gzip undone, and never more than fits in memory."""

import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

MAX_BYTES = 100 * 2**20

_GZIP = 16 + zlib.MAX_WBITS


class BodyTooLargeError(Exception):
    """The body, as sent or once decompressed, is larger than MAX_BYTES."""

    def __init__(self) -> None:
        super().__init__(f"request body is larger than {MAX_BYTES} bytes")


class ClientGoneError(Exception):
    """The client closed the connection before the body was complete."""


async def read(receive: Receive, headers: dict[bytes, bytes]) -> bytes:
    """The decompressed body. Raises BodyTooLargeError or ClientGoneError.

    As in TF Serving a body that claims to be gzip and is not counts as empty.
    """
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > MAX_BYTES:
        raise BodyTooLargeError
    message = await receive()
    body = message.get("body", b"")
    if message.get("more_body"):
        body = await _rest(receive, body)
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    return _decompressed(body) if b"gzip" in headers.get(b"content-encoding", b"") else body


async def _rest(receive: Receive, first: bytes) -> bytes:
    parts, size, more = [first], len(first), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BYTES:
            raise BodyTooLargeError
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def _decompressed(body: bytes) -> bytes:
    parts, room = [], MAX_BYTES
    while body:
        member = zlib.decompressobj(_GZIP)
        try:
            part = member.decompress(body, room + 1)
        except zlib.error:
            return b""
        room -= len(part)
        if room < 0:
            raise BodyTooLargeError
        if not member.eof:
            return b""  # cut short
        parts.append(part)
        body = member.unused_data
    return b"".join(parts)
