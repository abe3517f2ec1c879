"""The client for event loops."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, Unpack

import numpy as np

from serving.client import calls
from serving.client.arrays import Rows
from serving.client.async_http_transport import AsyncHttpTransport
from serving.client.calls import Call, Options
from serving.client.errors import ServingError
from serving.client.grpc_transport import AsyncGrpcTransport
from serving.client.results import Answer, Label, ModelMetadata, ModelVersion, Neighbor
from serving.client.retry import Tries
from serving.client.session import Protocol, Session
from serving.client.tls import Tls


class AsyncClient:
    """`Client` for asyncio: the same arguments and calls, awaited; all of them on one event loop.

    Any number of calls may be under way; over REST at most 64 are sent at once. A call that is cancelled ends its
    request. The first call opens the connection and reads the files of `tls`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        protocol: Protocol = "grpc",
        timeout: float = 30.0,
        retries: int = 4,
        tls: Tls | None = None,
    ):
        self._session = Session(protocol, timeout, retries)
        self._make = AsyncGrpcTransport if protocol == "grpc" else AsyncHttpTransport
        self._address = (host, port, tls)
        self._transport: AsyncGrpcTransport | AsyncHttpTransport | None = None

    async def predict(
        self, model: str, inputs: Mapping[str, Any], signature: str = "serving_default", **options: Unpack[Options]
    ) -> dict[str, np.ndarray]:
        """See `Client.predict`."""
        return await self._run(calls.predict(model, inputs, signature, options), options)

    async def question(self, model: str, rows: Rows, **options: Unpack[Options]) -> np.ndarray:
        """See `Client.question`."""
        return await self._run(calls.vectors(model, "question", rows, options), options)

    async def answer(self, model: str, rows: Rows, **options: Unpack[Options]) -> np.ndarray:
        """See `Client.answer`."""
        return await self._run(calls.vectors(model, "answer", rows, options), options)

    async def text_features(self, model: str, rows: Rows, **options: Unpack[Options]) -> np.ndarray:
        """See `Client.text_features`."""
        return await self._run(calls.vectors(model, "text_features", rows, options), options)

    async def image_features(self, model: str, rows: Rows, **options: Unpack[Options]) -> np.ndarray:
        """See `Client.image_features`."""
        return await self._run(calls.vectors(model, "image_features", rows, options), options)

    async def search(self, model: str, rows: Rows, **options: Unpack[Options]) -> list[list[Answer]]:
        """See `Client.search`."""
        return await self._run(calls.search(model, rows, options), options)

    async def classify(self, model: str, rows: Rows, **options: Unpack[Options]) -> list[list[Label]]:
        """See `Client.classify`."""
        return await self._run(calls.classify(model, rows, options), options)

    async def neighbors(self, model: str, rows: Rows, **options: Unpack[Options]) -> list[list[Neighbor]]:
        """See `Client.neighbors`."""
        return await self._run(calls.neighbors(model, rows, options), options)

    async def status(self, model: str, **options: Unpack[Options]) -> list[ModelVersion]:
        """See `Client.status`."""
        return await self._run(calls.status(model, options), options)

    async def metadata(self, model: str, **options: Unpack[Options]) -> ModelMetadata:
        """See `Client.metadata`."""
        return await self._run(calls.metadata(model, options), options)

    async def _run[R](self, call: Call[R], options: Options) -> R:
        steps, tries = self._session.steps(call), self._session.tries(options)
        try:
            message = next(steps)
            while True:
                message = steps.send(await self._send(message, tries))
        except StopIteration as done:
            return done.value

    async def _send(self, message: tuple[str, bytes], tries: Tries) -> bytes:
        if self._transport is None:
            self._transport = self._make(*self._address)  # here, because gRPC's channel belongs to the running loop
        while True:
            try:
                return await self._transport.send(*message, tries.remaining())
            except ServingError as error:
                pause = tries.pause_after(error)
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """Close all connections."""
        if self._transport is not None:
            await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
