"""Bytes there and back by HTTP/1.1 on an event loop: asyncio's streams, kept and used again."""

import asyncio
import contextlib
import http.client
from collections import deque
from typing import NamedTuple

from serving.client.errors import from_http, too_late, unreachable
from serving.client.http_answer import MAX_HEAD, Answer, BadAnswerError, read_body, read_head
from serving.client.http_transport import HEADERS, MAX_BYTES, MAX_IDLE
from serving.client.tls import Tls

MAX_CONNECTIONS = 64
"""Requests under way at once; others wait for one of them, which counts against their deadline."""


class _Connection(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class _NoAnswerError(ConnectionError):
    """The connection broke before the answer began."""


class AsyncHttpTransport:
    """Connections to one server, of the event loop on which they are first used."""

    def __init__(self, host: str, port: int, tls: Tls | None):
        self._host, self._port = host.strip("[]"), port
        self._address = f"{host}:{port}"
        self._tls = tls.for_http() if tls else None
        self._idle: deque[_Connection] = deque()
        self._is_closed = False
        self._room = asyncio.Semaphore(MAX_CONNECTIONS)

    async def send(self, address: str, body: bytes, timeout: float) -> bytes:
        """The body of an answer of 200. Raises ServingError."""
        try:
            async with asyncio.timeout(timeout), self._room:
                answer = await self._exchange(self._message(address, body))
        except TimeoutError as error:
            raise too_late(timeout) from error
        except (OSError, EOFError, BadAnswerError) as error:
            raise unreachable(self._address, error) from error
        if answer.status != http.client.OK:
            raise from_http(answer.status, answer.body)
        return answer.body

    async def _exchange(self, message: bytes) -> Answer:
        while True:
            is_used = bool(self._idle)
            connection = self._idle.pop() if is_used else await self._connect()
            try:
                answer = await _ask(connection, message)
            except _NoAnswerError:
                if not is_used:
                    raise
                continue  # the server had closed a connection that was idle; that says nothing of the server
            if answer.keeps and len(self._idle) < MAX_IDLE and not self._is_closed:
                self._idle.append(connection)
            else:
                connection.writer.close()
            return answer

    async def _connect(self) -> _Connection:
        streams = await asyncio.open_connection(self._host, self._port, ssl=self._tls, limit=MAX_HEAD)
        return _Connection(*streams)

    def _message(self, address: str, body: bytes) -> bytes:
        fields = {"Host": self._address, "Content-Length": str(len(body)), **HEADERS}
        lines = [f"{address} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        return "\r\n".join(lines).encode() + body

    async def close(self) -> None:
        """Close all connections that nobody uses; the others are closed when their request is done."""
        self._is_closed = True
        while self._idle:
            writer = self._idle.pop().writer
            writer.close()
            with contextlib.suppress(OSError):  # it was broken already
                await writer.wait_closed()


async def _ask(connection: _Connection, message: bytes) -> Answer:
    """The answer; whatever goes wrong, or when the caller is cancelled, the connection is cut."""
    reader, writer = connection
    try:
        try:
            writer.write(message)
            await writer.drain()
            head = await read_head(reader)
        except ConnectionError as error:
            raise _NoAnswerError(str(error) or type(error).__name__) from error
        return await read_body(reader, head, MAX_BYTES)
    except BaseException:
        writer.transport.abort()
        raise
