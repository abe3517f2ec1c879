"""The lightest of clients, one connection each: they ask for one number and tell exactly what came back.

Nothing is tried again and no broken connection is made anew, as a client for use would do: here that is a finding.
"""

import asyncio
import re
from typing import NamedTuple, Protocol, Self

import grpc
import orjson

from serving.protos import PredictRequest, PredictResponse

_FLOAT = 1
_LENGTH = re.compile(rb"\r\ncontent-length: ([0-9]+)\r\n")
_CODES = {
    200: grpc.StatusCode.OK,
    404: grpc.StatusCode.NOT_FOUND,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
_PREDICT = "/tensorflow.serving.PredictionService/Predict"


class Spec(NamedTuple):
    """A model; and of it the newest version, or the one of a number or of a label."""

    name: str
    version: int | None = None
    label: str | None = None


class Answer(NamedTuple):
    """How a request ended: `y` of the model if it is OK, else what went wrong; the version is only told over gRPC."""

    code: grpc.StatusCode
    y: float = 0.0
    version: int | None = None
    error: str = ""


class Connection(Protocol):
    """One request at a time."""

    async def ask(self, spec: Spec, x: float, timeout: float) -> Answer:
        """Ask for y of one x."""

    async def close(self) -> None:
        """Hang up."""


class RestConnection:
    """One HTTP/1.1 connection that is kept."""

    api = "REST"

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, host: str, port: int) -> Self:
        """Connect. Raises OSError."""
        return cls(*await asyncio.open_connection(host, port))

    async def ask(self, spec: Spec, x: float, timeout: float) -> Answer:
        """See `Connection`."""
        path = spec.name
        if spec.version is not None:
            path += f"/versions/{spec.version}"
        if spec.label is not None:
            path += f"/labels/{spec.label}"
        body = b'{"instances": [%r]}' % x
        head = f"POST /v1/models/{path}:predict HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
        try:
            async with asyncio.timeout(timeout):
                self._writer.write(head.encode() + body)
                status, text = await self._answer()
        except TimeoutError:
            return Answer(grpc.StatusCode.DEADLINE_EXCEEDED, error="no answer")
        except (OSError, EOFError) as error:
            return Answer(grpc.StatusCode.UNAVAILABLE, error=f"the connection broke: {error!r}")
        code = _CODES.get(status, grpc.StatusCode.UNKNOWN)
        if code is not grpc.StatusCode.OK:
            return Answer(code, error=f"{status}: {text.decode(errors='replace')}")
        return Answer(code, orjson.loads(text)["predictions"][0])

    async def _answer(self) -> tuple[int, bytes]:
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        return int(head.split(b" ", 2)[1]), await self._reader.readexactly(int(length[1]) if length else 0)

    async def close(self) -> None:
        """See `Connection`."""
        self._writer.close()


class GrpcConnection:
    """One channel with a connection of its own."""

    api = "gRPC"

    def __init__(self, channel: grpc.aio.Channel):
        self._channel = channel
        self._call = channel.unary_unary(
            _PREDICT,
            request_serializer=PredictRequest.SerializeToString,
            response_deserializer=PredictResponse.FromString,
        )

    @classmethod
    async def open(cls, host: str, port: int) -> Self:
        """Connect."""
        channel = grpc.aio.insecure_channel(f"{host}:{port}", [("grpc.use_local_subchannel_pool", 1)])
        await channel.channel_ready()
        return cls(channel)

    async def ask(self, spec: Spec, x: float, timeout: float) -> Answer:
        """See `Connection`."""
        request = PredictRequest()
        request.model_spec.name = spec.name
        if spec.version is not None:
            request.model_spec.version.value = spec.version
        if spec.label is not None:
            request.model_spec.version_label = spec.label
        tensor = request.inputs["x"]
        tensor.dtype = _FLOAT
        tensor.tensor_shape.dim.add(size=1)
        tensor.float_val.append(x)
        try:
            response = await self._call(request, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            return Answer(error.code(), error=f"{error.code().name}: {error.details()}")
        return Answer(grpc.StatusCode.OK, response.outputs["y"].float_val[0], response.model_spec.version.value)

    async def close(self) -> None:
        """See `Connection`."""
        await self._channel.close()
