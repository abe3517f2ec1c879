"""The gRPC and the HTTP server, side by side on one event loop."""

import asyncio
import contextlib
import socket
from collections.abc import Coroutine, Generator
from typing import Any

import grpc
import uvicorn

from serving.server.flags import AUTO, Flags, Port
from serving.server.grpc_service import OPTIONS, GrpcService
from serving.server.models import Models
from serving.server.rest import RestApp
from serving.server.session_model import SessionModel
from serving.server.web import WebPage

# After a signal to stop, requests in flight may take this long; orchestrators usually kill after 30 s.
GRACE_SECONDS = 20

_BACKLOG = 2048


class AddressError(Exception):
    """A port or a unix socket that cannot be listened on."""


class GrpcListener:
    """TF Serving's gRPC API on a port, a unix socket, or both. `port` is the port taken, 0 if none."""

    def __init__(self, models: Models[SessionModel], host: str, port: Port, socket_path: str):
        """Take the addresses. Raises AddressError."""
        self._server = grpc.aio.server(options=OPTIONS)
        self._server.add_generic_rpc_handlers(GrpcService(models).handlers())
        self.addresses: list[str] = []
        self.port = 0
        if port:
            self.port = self._bind(f"{_bracketed(host)}:{_number(port)}")
            self.addresses.append(f"gRPC {_bracketed(host)}:{self.port}")
        if socket_path:
            self._bind(f"unix:{socket_path}")
            self.addresses.append(f"gRPC unix:{socket_path}")

    def _bind(self, address: str) -> int:
        try:
            return self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise AddressError(f"cannot listen on {address} for gRPC; is it in use?") from error

    async def start(self) -> None:
        """Start to answer."""
        await self._server.start()

    async def stop(self) -> None:
        """Take no new requests and finish those in flight."""
        await self._server.stop(GRACE_SECONDS)


class RestListener:
    """TF Serving's REST API on a port; `port` is the port taken."""

    def __init__(self, app: RestApp | WebPage, host: str, port: Port):
        """Take the address. Raises AddressError."""
        self._socket = _bound_socket(host, _number(port))
        self.port = self._socket.getsockname()[1]
        self.addresses = [f"REST http://{_bracketed(host)}:{self.port}"]
        self._server = _HttpServer(
            uvicorn.Config(
                app,
                loop="none",
                http="httptools",
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="critical",  # else each malformed request of a stranger would write a line
                access_log=False,
                server_header=False,
                backlog=_BACKLOG,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to answer."""
        self._serving = asyncio.create_task(self._server.serve([self._socket]))
        await self._server.listening.wait()

    async def stop(self) -> None:
        """Take no new requests and finish those in flight."""
        self._server.should_exit = True
        if self._serving:
            await self._serving
        self._socket.close()


class _HttpServer(uvicorn.Server):
    """uvicorn without signal handlers of its own, telling when it listens."""

    def __init__(self, config: uvicorn.Config):
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class Listeners:
    """All that the flags ask for."""

    def __init__(self, flags: Flags, models: Models[SessionModel]):
        """Take the addresses, so that one in use is found before a model is loaded. Raises AddressError."""
        self._all: list[GrpcListener | RestListener] = []
        self.ports = {"grpc": 0, "rest": 0}
        if flags.port or flags.grpc_socket_path:
            grpc_listener = GrpcListener(models, flags.host, flags.port, flags.grpc_socket_path)
            self.ports["grpc"] = grpc_listener.port
            self._all.append(grpc_listener)
        if flags.rest_api_port:
            app = RestApp(models, timeout=flags.rest_api_timeout_in_ms / 1000, cors=flags.rest_api_enable_cors_support)
            rest_listener = RestListener(WebPage(app, models) if flags.web else app, flags.host, flags.rest_api_port)
            self.ports["rest"] = rest_listener.port
            self._all.append(rest_listener)

    @property
    def addresses(self) -> list[str]:
        """Where requests are answered, for people."""
        return [address for listener in self._all for address in listener.addresses]

    async def start(self) -> None:
        """Start to answer on all addresses."""
        await _together(listener.start() for listener in self._all)

    async def stop(self) -> None:
        """Take no new requests and finish those in flight."""
        await _together(listener.stop() for listener in self._all)


async def _together(coroutines: Generator[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*coroutines)


def _bound_socket(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )[0]
        # With the protocol named, asyncio sees that it is TCP and sets TCP_NODELAY.
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressError(f"cannot listen on {host}: {error.strerror or error}") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise AddressError(f"cannot listen on {_bracketed(host)}:{port} for REST: {error.strerror}") from error
    return bound


def _number(port: Port) -> int:
    return 0 if port == AUTO else int(port)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
