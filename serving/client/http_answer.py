"""An HTTP/1.1 answer read from an asyncio stream."""

import asyncio
import http.client
import io
from email.message import Message
from typing import NamedTuple

MAX_HEAD = 2**17
"""Bytes of status line and headers; also what a stream's limit should be."""

_END_OF_HEAD = b"\r\n\r\n"
_END_OF_LINE = b"\r\n"
_PART = 2**20


class BadAnswerError(Exception):
    """What came is no HTTP/1.1, or too large."""


class Head(NamedTuple):
    """Status line and headers."""

    version: bytes
    status: int
    headers: Message


class Answer(NamedTuple):
    """An answer; `keeps` is whether the connection may be used again."""

    status: int
    body: bytes
    keeps: bool


async def read_head(reader: asyncio.StreamReader) -> Head:
    """The next head that is not informational.

    Raises ConnectionResetError if the stream ends before it begins, EOFError if it ends within; BadAnswerError.
    """
    while True:
        try:
            lines = await reader.readuntil(_END_OF_HEAD)
        except asyncio.LimitOverrunError as error:
            raise BadAnswerError("the head of the answer is too long or none of HTTP") from error
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise
            raise ConnectionResetError("the server closed the connection without an answer") from error
        line, _, fields = lines.partition(_END_OF_LINE)
        version, _, rest = line.partition(b" ")
        code = rest[:3]
        if not version.startswith(b"HTTP/1.") or not code.isdigit():
            raise BadAnswerError(f"the answer is no HTTP/1.1: {line[:80].decode(errors='replace')}")
        if not code.startswith(b"1"):
            try:
                return Head(version, int(code), http.client.parse_headers(io.BytesIO(fields)))
            except http.client.HTTPException as error:
                raise BadAnswerError(f"the headers of the answer cannot be read: {error!r}") from error


async def read_body(reader: asyncio.StreamReader, head: Head, most: int) -> Answer:
    """The answer that `head` begins, its body of at most `most` bytes. Raises EOFError or BadAnswerError."""
    keeps = head.version != b"HTTP/1.0" and "close" not in head.headers.get("Connection", "").lower()
    length = head.headers.get("Content-Length")
    if "chunked" in head.headers.get("Transfer-Encoding", "").lower():
        body = await _chunked(reader, most)
    elif length is None:
        body, keeps = await _until_the_end(reader, most), False
    elif not (length.isascii() and length.isdigit()):
        raise BadAnswerError(f"the answer's Content-Length is {length[:80]}")
    else:
        body = await reader.readexactly(_within(int(length), most))
    return Answer(head.status, body, keeps)


async def _chunked(reader: asyncio.StreamReader, most: int) -> bytes:
    body = bytearray()
    try:
        while size := int((await reader.readuntil(_END_OF_LINE)).partition(b";")[0], 16):
            _within(len(body) + size, most)
            body += await reader.readexactly(size)
            await reader.readexactly(len(_END_OF_LINE))
        while await reader.readuntil(_END_OF_LINE) != _END_OF_LINE:
            pass  # trailers
    except (ValueError, asyncio.LimitOverrunError) as error:
        raise BadAnswerError("the answer's chunks cannot be told apart") from error
    return bytes(body)


async def _until_the_end(reader: asyncio.StreamReader, most: int) -> bytes:
    body = bytearray()
    while part := await reader.read(_PART):
        body += part
        _within(len(body), most)
    return bytes(body)


def _within(size: int, most: int) -> int:
    if not 0 <= size <= most:
        raise BadAnswerError(f"the answer is larger than {most} bytes")
    return size
