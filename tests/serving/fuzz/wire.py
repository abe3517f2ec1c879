"""HTTP/1 as it should not be: broken requests over a socket, and whatever comes back on it."""

import asyncio
import gzip
import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import strategies as st

from tests.serving.fuzz.mutations import edited

_PREDICT = b"POST /v1/models/zoo:predict HTTP/1.1\r\nhost: x\r\n"
_BODY = b'{"instances": [1.0]}'
_ZIPPED = gzip.compress(_BODY, mtime=0)

RIGHT = [
    _PREDICT + b"content-length: 20\r\n\r\n" + _BODY,
    _PREDICT + b"content-type: application/json\r\nx-request-id: mine\r\ncontent-length: 20\r\n\r\n" + _BODY,
    _PREDICT + b"transfer-encoding: chunked\r\n\r\n5\r\n" + _BODY[:5] + b"\r\nF;a=b\r\n" + _BODY[5:] + b"\r\n0\r\n\r\n",
    _PREDICT + b"expect: 100-continue\r\ncontent-length: 20\r\n\r\n" + _BODY,
    _PREDICT + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(_ZIPPED) + _ZIPPED,
    _PREDICT + b"connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 20\r\n\r\n" + _BODY,
    _PREDICT.replace(b"1.1", b"1.0") + b"content-length: 20\r\n\r\n" + _BODY,
    b"GET /v1/models/zoo/versions/7/metadata HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /v1/models/a%20b%2F%C3%BC?a=b#c HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n",
    b"OPTIONS /v1/models/zoo HTTP/1.1\r\nhost: x\r\norigin: y\r\n\r\nHEAD /readyz HTTP/1.1\r\nhost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
]

# Where a connection is still in order, this is answered and ends it; elsewhere the server's own limits of time do.
LAST = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"

_STATUS = re.compile(rb"HTTP/1\.1 ([0-9]{3}) [A-Z]")


class Sent(NamedTuple):
    """What is written to a connection, in pieces that end at `cuts` (counted round and round)."""

    data: bytes
    cuts: list[int]

    def pieces(self) -> list[bytes]:
        """The pieces."""
        places = sorted({cut % (len(self.data) + 1) for cut in self.cuts} | {0, len(self.data)})
        return [self.data[start:end] for start, end in itertools.pairwise(places)]


BROKEN = st.builds(
    Sent,
    edited(RIGHT) | st.builds(lambda first, second: first + second, edited(RIGHT), edited(RIGHT)),
    st.just([]) | st.lists(st.integers(0, 2**16), max_size=3),
)


def exchange_all(host: str, port: int, many: Sequence[Sent], timeout: float) -> list[bytes]:
    """What comes back on a connection for each, up to its end. Raises TimeoutError if one does not end."""

    async def run() -> list[bytes]:
        async with asyncio.timeout(timeout):
            return await asyncio.gather(*(_exchange(host, port, sent) for sent in many))

    return asyncio.run(run())


async def _exchange(host: str, port: int, sent: Sent) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    received = b""
    try:
        for piece in sent.pieces():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        writer.write(LAST)
        while part := await reader.read(65536):
            received += part
    except ConnectionError:
        pass  # it has hung up on the rest of what was sent
    finally:
        writer.close()
    return received


def statuses(received: bytes) -> list[int]:
    """The status of each answer on a connection."""
    return [int(found[1]) for found in _STATUS.finditer(received)]
