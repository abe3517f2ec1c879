"""The HTTP server: takes connections, looks after their clocks, and stops without dropping a request."""

import asyncio
import contextlib
import socket

from serving.server.http_connection import Connection, Shared
from serving.server.http_message import Handler, OnRefusal
from serving.server.wire_limits import WireLimits

_BACKLOG = 2048

# How often limits are looked at; a client may have that much longer.
_CHECK_SECONDS = 0.25


class HttpServer:
    """Answers on a bound socket by `handler`; `on_refusal` is told of what never comes to it."""

    def __init__(self, handler: Handler, bound: socket.socket, limits: WireLimits, on_refusal: OnRefusal | None = None):
        self._socket = bound
        self._shared = Shared(handler, limits, on_refusal)
        self._server: asyncio.Server | None = None
        self._checking: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Start to answer."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self._shared),
            sock=self._socket,
            backlog=_BACKLOG,
        )
        self._check()

    def _check(self) -> None:
        loop = asyncio.get_running_loop()
        self._checking = loop.call_later(_CHECK_SECONDS, self._check)
        self._shared.tick()
        for connection in list(self._shared.connections):
            connection.check(loop.time())

    async def stop(self, grace_seconds: float) -> None:
        """Take no new requests and finish those in flight, in so many seconds."""
        self._shared.is_stopping = True
        if self._server:
            self._server.close()
        for connection in list(self._shared.connections):
            connection.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                while self._shared.connections:
                    await asyncio.sleep(0.02)
        for connection in list(self._shared.connections):
            connection.abort()
        if self._checking:
            self._checking.cancel()
        self._socket.close()
