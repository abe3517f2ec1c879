"""What is done about the content encoding of a REST request: gzip is undone, and never to more than fits in memory."""

import zlib

_GZIP = 16 + zlib.MAX_WBITS

# What zlib is given at a time, twice as much each time until a member ends: it copies what is left over then, so all
# copies together are not much longer than the body, be it one long member or many short ones.
_FIRST_BYTES = 64


class BodyTooLargeError(Exception):
    """The decompressed body is larger than the limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"request body is larger than {limit} bytes")


def is_encoded(headers: dict[bytes, bytes]) -> bool:
    """Whether the body claims to be gzip."""
    return b"gzip" in headers.get(b"content-encoding", b"")


def decoded(body: bytes, limit: int) -> bytes:
    """A body that claims to be gzip without it, at most `limit` bytes. Raises BodyTooLargeError.

    As in TF Serving one that is not gzip counts as empty.
    """
    parts, room, start = [], limit, 0
    view = memoryview(body)
    while start < len(view):
        member, size = zlib.decompressobj(_GZIP), _FIRST_BYTES
        while not member.eof:
            if start >= len(view):
                return b""  # cut short
            try:
                part = member.decompress(view[start : start + size], room + 1)
            except zlib.error:
                return b""
            room -= len(part)
            if room < 0:
                raise BodyTooLargeError(limit)
            parts.append(part)
            start, size = start + size, 2 * size
        start = min(start, len(view)) - len(member.unused_data)
    return b"".join(parts)
