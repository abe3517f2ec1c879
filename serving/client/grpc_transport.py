"""Bytes there and back by gRPC, in threads and on an event loop."""

from functools import cache
from typing import Any

import grpc

from serving.client.errors import ServingError
from serving.client.tls import Tls

_OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.enable_retries", 0),  # the client's own retries know its deadline, and REST has none of gRPC's
    ("grpc.initial_reconnect_backoff_ms", 50),  # so that a retry finds a connection that was tried again too
    ("grpc.max_reconnect_backoff_ms", 1000),
]


class GrpcTransport:
    """One channel; several threads may use it."""

    def __init__(self, host: str, port: int, tls: Tls | None):
        address = f"{host}:{port}"
        self._channel = (
            grpc.secure_channel(address, tls.for_grpc(), _OPTIONS) if tls else grpc.insecure_channel(address, _OPTIONS)
        )
        self._method = cache(self._channel.unary_unary)  # without serializers: bytes in, bytes out

    def send(self, address: str, body: bytes, timeout: float) -> bytes:
        """The answer. Raises ServingError."""
        try:
            return self._method(address)(body, timeout=timeout)
        except grpc.RpcError as error:
            raise _as_ours(error) from error

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()


class AsyncGrpcTransport:
    """One channel of the event loop on which it is made."""

    def __init__(self, host: str, port: int, tls: Tls | None):
        address = f"{host}:{port}"
        self._channel = (
            grpc.aio.secure_channel(address, tls.for_grpc(), _OPTIONS)
            if tls
            else grpc.aio.insecure_channel(address, _OPTIONS)
        )
        self._method = cache(self._channel.unary_unary)

    async def send(self, address: str, body: bytes, timeout: float) -> bytes:
        """The answer. Raises ServingError."""
        try:
            return await self._method(address)(body, timeout=timeout)
        except grpc.RpcError as error:
            raise _as_ours(error) from error

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()


def _as_ours(error: Any) -> ServingError:
    return ServingError(error.code(), error.details() or "")
