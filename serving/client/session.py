"""What both clients do alike, without sending anything themselves."""

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Literal

from serving.client.calls import Call, Metadata, Options, Predict, Target
from serving.client.grpc_codec import GrpcCodec
from serving.client.rest_codec import OutputsChangedError, RestCodec
from serving.client.results import TensorSpec
from serving.client.retry import Tries

Protocol = Literal["grpc", "rest"]

Steps = Generator[tuple[str, bytes], bytes]
"""Yields the address and the bytes of a request, and is sent the bytes of its answer."""

_CODECS: dict[Protocol, type[GrpcCodec | RestCodec]] = {"grpc": GrpcCodec, "rest": RestCodec}


class Session:
    """A client's defaults, and what it has learnt of the models' signatures."""

    def __init__(self, protocol: Protocol, timeout: float, retries: int):
        """Raises ValueError for an unknown protocol, a timeout of 0 or less, fewer than 0 retries."""
        if protocol not in _CODECS:
            raise ValueError(f"protocol is {protocol!r}; allowed are {', '.join(_CODECS)}")
        if retries < 0:
            raise ValueError(f"retries is {retries}; allowed are 0 and more")
        self._codec = _CODECS[protocol]()
        self._timeout = _positive(timeout)
        self._retries = retries
        self._outputs: dict[tuple[Target, str], Mapping[str, TensorSpec]] = {}

    def tries(self, options: Options) -> Tries:
        """The tries of one call. Raises ValueError for a timeout of 0 or less."""
        return Tries(_positive(options.get("timeout", self._timeout)), self._retries)

    def steps[R](self, call: Call[R]) -> Generator[tuple[str, bytes], bytes, R]:
        """See `Steps`; returns the call's result. Raises ServingError for an answer that cannot be read."""
        request = call.request
        if not isinstance(request, Predict) or request.outputs is not None or self._codec.names_outputs:
            answer = yield self._codec.encode(request)
            return call.read(self._codec.decode(request, answer))
        message = self._codec.encode(request)
        if (request.target, request.signature) not in self._outputs:
            yield from self._learn(request)
        answer = yield message
        try:
            return call.read(self._codec.decode(self._with_outputs(request), answer))
        except OutputsChangedError:
            yield from self._learn(request)
            return call.read(self._codec.decode(self._with_outputs(request), answer))

    def _learn(self, request: Predict) -> Steps:
        """Ask what the signature returns. One that is not there returns nothing; the server will say so."""
        question = Metadata(request.target)
        metadata = self._codec.decode(question, (yield self._codec.encode(question)))
        signature = metadata.signatures.get(request.signature)
        self._outputs[request.target, request.signature] = signature.outputs if signature else {}

    def _with_outputs(self, request: Predict) -> Predict:
        return replace(request, outputs=self._outputs[request.target, request.signature])


def _positive(timeout: float) -> float:
    if timeout <= 0:
        raise ValueError(f"timeout is {timeout}; allowed are seconds above 0")
    return timeout
