"""Reading the body of a REST request: its parts put together, gzip undone, and never more than fits in memory."""

import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

MAX_BYTES = 100 * 2**20

_GZIP = 16 + zlib.MAX_WBITS


class BodyTooLargeError(Exception):
    """The body, as sent or once decompressed, is larger than the limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"request body is larger than {limit} bytes")


class ClientGoneError(Exception):
    """The client closed the connection before the body was complete."""


async def read(receive: Receive, headers: dict[bytes, bytes], limit: int = MAX_BYTES) -> bytes:
    """The decompressed body, at most `limit` bytes of it. Raises BodyTooLargeError or ClientGoneError.

    As in TF Serving a body that claims to be gzip and is not counts as empty.
    """
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > limit:
        raise BodyTooLargeError(limit)
    message = await receive()
    body = message.get("body", b"")
    if message.get("more_body"):
        body = await _rest(receive, body, limit)
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    return _decompressed(body, limit) if b"gzip" in headers.get(b"content-encoding", b"") else body


async def _rest(receive: Receive, first: bytes, limit: int) -> bytes:
    parts, size, more = [first], len(first), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise BodyTooLargeError(limit)
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def _decompressed(body: bytes, limit: int) -> bytes:
    parts, room = [], limit
    while body:
        member = zlib.decompressobj(_GZIP)
        try:
            part = member.decompress(body, room + 1)
        except zlib.error:
            return b""
        room -= len(part)
        if room < 0:
            raise BodyTooLargeError(limit)
        if not member.eof:
            return b""  # cut short
        parts.append(part)
        body = member.unused_data
    return b"".join(parts)
