"""The gRPC and the HTTP server, side by side on one event loop."""

import asyncio
import contextlib
import os
import re
import socket
import sys
import threading
from collections.abc import Coroutine, Generator
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc

from serving.server.flags import AUTO, Flags, Port
from serving.server.grpc_front import ObservedHandlers
from serving.server.grpc_service import OPTIONS, GrpcService
from serving.server.health import Health
from serving.server.http_message import Handler, OnRefusal
from serving.server.http_server import HttpServer
from serving.server.models import Models
from serving.server.observer import Observer
from serving.server.rest import RestApp
from serving.server.rest_front import RestFront
from serving.server.session_model import SessionModel
from serving.server.web import WebPage
from serving.server.wire_limits import WireLimits

# After a signal to stop, requests in flight may take this long; orchestrators usually kill after 30 s.
GRACE_SECONDS = 20

_WHOLE = re.compile(r"[+-]?[0-9]+")


class AddressError(Exception):
    """A port or a unix socket that cannot be listened on."""


class GrpcListener:
    """TF Serving's gRPC API on a port, a unix socket, or both. `port` is the port taken, 0 if none."""

    def __init__(
        self,
        models: Models[SessionModel],
        observer: Observer,
        host: str,
        port: Port,
        socket_path: str,
        *,
        credentials: grpc.ServerCredentials | None = None,
        arguments: str = "",
    ):
        """Take the addresses.

        Args:
            models: what to serve.
            observer: sees every request.
            host: the address of `port`.
            port: 0 is none.
            socket_path: the unix socket; "" is none. It never speaks TLS, as in TF Serving.
            credentials: for TLS on `port`.
            arguments: of `--grpc_channel_arguments`.

        Raises AddressError.
        """
        self._server = _grpc_server({**dict(OPTIONS), **channel_arguments(arguments)})
        self._server.add_generic_rpc_handlers([ObservedHandlers(GrpcService(models).handlers(), observer)])
        self._health = Health(models)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self.addresses: list[str] = []
        self.port = 0
        if port:
            self.port = self._bind(f"{_bracketed(host)}:{_number(port)}", credentials)
            self.addresses.append(f"gRPC {_bracketed(host)}:{self.port}{' with TLS' if credentials else ''}")
        if socket_path:
            self._bind(f"unix:{socket_path}")
            self.addresses.append(f"gRPC unix:{socket_path}")

    def _bind(self, address: str, credentials: grpc.ServerCredentials | None = None) -> int:
        try:
            if credentials:
                return self._server.add_secure_port(address, credentials)
            return self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise AddressError(f"cannot listen on {address} for gRPC; is it in use?") from error

    async def start(self) -> None:
        """Start to answer."""
        await self._server.start()

    async def stop(self) -> None:
        """Take no new requests and finish those in flight."""
        self._health.stop()
        await self._server.stop(GRACE_SECONDS)


class RestListener:
    """TF Serving's REST API on a port; `port` is the port taken."""

    def __init__(self, handler: Handler, on_refusal: OnRefusal, host: str, port: Port, limits: WireLimits):
        """Take the address. Raises AddressError."""
        bound = _bound_socket(host, _number(port))
        self.port = bound.getsockname()[1]
        self.addresses = [f"REST http://{_bracketed(host)}:{self.port}"]
        self._server = HttpServer(handler, bound, limits, on_refusal)

    async def start(self) -> None:
        """Start to answer."""
        await self._server.start()

    async def stop(self) -> None:
        """Take no new requests and finish those in flight."""
        await self._server.stop(GRACE_SECONDS)


class Listeners:
    """All that the flags ask for."""

    def __init__(
        self,
        flags: Flags,
        models: Models[SessionModel],
        observer: Observer,
        *,
        credentials: grpc.ServerCredentials | None = None,
        metrics_path: str = "",
    ):
        """Take the addresses, so that one in use is found before a model is loaded. Raises AddressError."""
        self._all: list[GrpcListener | RestListener] = []
        self.ports = {"grpc": 0, "rest": 0}
        if flags.port or flags.grpc_socket_path:
            grpc_listener = GrpcListener(
                models,
                observer,
                flags.host,
                flags.port,
                flags.grpc_socket_path,
                credentials=credentials,
                arguments=flags.grpc_channel_arguments,
            )
            self.ports["grpc"] = grpc_listener.port
            self._all.append(grpc_listener)
        if flags.rest_api_port:
            front = _rest_front(flags, models, observer, metrics_path)
            handler = WebPage(front, models) if flags.web else front
            rest_listener = RestListener(
                handler, front.note_refusal, flags.host, flags.rest_api_port, _wire_limits(flags)
            )
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


def _grpc_server(options: dict[str, int | str]) -> grpc.aio.Server:
    """A server whose poller does not interrupt the event loop.

    For each event of gRPC, four or so a request and mostly caused by the loop itself, that thread wakes up to wake the
    loop. With SCHED_BATCH it takes no processor from it, and tells it of several at once.
    """
    before = set(threading.enumerate())
    server = grpc.aio.server(options=[*options.items()])
    for thread in set(threading.enumerate()) - before:
        if sys.platform == "linux" and thread.native_id:
            with contextlib.suppress(OSError):  # where it is not allowed, only speed is lost
                os.sched_setscheduler(thread.native_id, os.SCHED_BATCH, os.sched_param(0))
    return server


async def _together(coroutines: Generator[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*coroutines)


def _rest_front(flags: Flags, models: Models[SessionModel], observer: Observer, metrics_path: str) -> RestFront:
    app = RestApp(
        models,
        cors=flags.rest_api_enable_cors_support,
        max_body_bytes=flags.rest_api_max_body_bytes,
    )
    return RestFront(
        app,
        models,
        observer,
        timeout=flags.rest_api_timeout_in_ms / 1000,
        metrics_path=metrics_path,
        list_models=flags.enable_model_list,
    )


def _wire_limits(flags: Flags) -> WireLimits:
    return WireLimits(
        header_seconds=flags.rest_api_header_timeout_in_ms / 1000,
        body_seconds=flags.rest_api_body_timeout_in_ms / 1000,
        write_seconds=flags.rest_api_write_timeout_in_ms / 1000,
        header_bytes=flags.rest_api_max_header_bytes,
        body_bytes=flags.rest_api_max_body_bytes,
    )


def channel_arguments(text: str) -> dict[str, int | str]:
    """The arguments of `name=value,name=value`; a value that is a 32-bit number is one, as in TF Serving.

    Raises AddressError for a part without `=`.
    """
    arguments: dict[str, int | str] = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not name or not equals:
            raise AddressError(f"--grpc_channel_arguments={text}: expected name=value,name=value")
        number = int(value) if _WHOLE.fullmatch(value) else None
        arguments[name] = value if number is None or not -(2**31) <= number < 2**31 else number
    return arguments


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
