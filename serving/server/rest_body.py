"""What is done about the content encoding of a REST request: gzip is undone, and never to more than fits in memory."""

import zlib

_GZIP = 16 + zlib.MAX_WBITS


class BodyTooLargeError(Exception):
    """The decompressed body is larger than the limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"request body is larger than {limit} bytes")


def decoded(body: bytes, headers: dict[bytes, bytes], limit: int) -> bytes:
    """The body without gzip, at most `limit` bytes of it. Raises BodyTooLargeError.

    As in TF Serving a body that claims to be gzip and is not counts as empty.
    """
    return _decompressed(body, limit) if b"gzip" in headers.get(b"content-encoding", b"") else body


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
