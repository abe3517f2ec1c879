"""The client for threads."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, Unpack

import numpy as np

from serving.client import calls
from serving.client.arrays import Rows
from serving.client.calls import Call, Options
from serving.client.errors import ServingError
from serving.client.grpc_transport import GrpcTransport
from serving.client.http_transport import HttpTransport
from serving.client.results import Answer, Label, ModelMetadata, ModelVersion, Neighbor
from serving.client.retry import Tries
from serving.client.session import Protocol, Session
from serving.client.tls import Tls


class Client:
    """A client of one model server, which several threads may share; `close()` or a `with` block ends it.

    Every call takes `version=` or `label=` to choose a version (by default the newest), and `timeout=` in seconds, for
    all tries together. Requests that fail with UNAVAILABLE or RESOURCE_EXHAUSTED are tried again after growing pauses;
    others never are.

    Args:
        host: name or address of the server; `[…]` around one of IPv6.
        port: of the gRPC or the REST API.
        protocol: which of the two: `grpc` is faster, `rest` passes through HTTP proxies.
        timeout: seconds that a call may take unless it says otherwise.
        retries: how often at most a request is tried again.
        tls: encrypt, and prove the server to be the right one; by default neither.

    Raises:
        ValueError: an argument is not allowed.
        OSError: a file of `tls` cannot be read.
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
        transport = GrpcTransport if protocol == "grpc" else HttpTransport
        self._transport: GrpcTransport | HttpTransport = transport(host, port, tls)

    def predict(
        self, model: str, inputs: Mapping[str, Any], signature: str = "serving_default", **options: Unpack[Options]
    ) -> dict[str, np.ndarray]:
        """Run any signature and return its outputs by name.

        Over REST the first call of a signature also asks for the model's metadata, because JSON has no types.

        Args:
            model: the model's name on the server.
            inputs: one value for each input of the signature: arrays, or (nested) lists of numbers, str or bytes. As
                with `tf.constant`, Python floats become float32 and ints int32 (int64 where they do not fit).
            signature: the signature's name.
            **options: `version` or `label`, `timeout`.

        Returns:
            Arrays with the shapes and types of the signature; strings as object arrays of bytes.

        Raises:
            ServingError: the server said no, could not be reached, or took too long.
            TypeError: a value cannot be sent as a tensor.
        """
        return self._run(calls.predict(model, inputs, signature, options), options)

    def question(self, model: str, rows: Rows, **options: Unpack[Options]) -> np.ndarray:
        """Vectors of questions: float32[N, D], of unit length. For `rows` and errors see `search`."""
        return self._run(calls.vectors(model, "question", rows, options), options)

    def answer(self, model: str, rows: Rows, **options: Unpack[Options]) -> np.ndarray:
        """Vectors of answers: float32[N, D], of unit length. For `rows` and errors see `search`."""
        return self._run(calls.vectors(model, "answer", rows, options), options)

    def text_features(self, model: str, rows: Rows, **options: Unpack[Options]) -> np.ndarray:
        """Vectors of a classifier's texts: float32[N, D]. For `rows` and errors see `search`."""
        return self._run(calls.vectors(model, "text_features", rows, options), options)

    def image_features(self, model: str, rows: Rows, **options: Unpack[Options]) -> np.ndarray:
        """Vectors of a classifier's pictures: float32[N, D]. For `rows` and errors see `search`."""
        return self._run(calls.vectors(model, "image_features", rows, options), options)

    def search(self, model: str, rows: Rows, **options: Unpack[Options]) -> list[list[Answer]]:
        """The ranked answers to each question, best first.

        Args:
            model: the model's name on the server.
            rows: texts as str, or encoded pictures as bytes.
            **options: `version` or `label`, `timeout`.

        Raises:
            ServingError: the server said no, could not be reached, or took too long.
            TypeError: `rows` is no list of texts or pictures.
        """
        return self._run(calls.search(model, rows, options), options)

    def classify(self, model: str, rows: Rows, **options: Unpack[Options]) -> list[list[Label]]:
        """All labels of each row, most probable first. For `rows` and errors see `search`."""
        return self._run(calls.classify(model, rows, options), options)

    def neighbors(self, model: str, rows: Rows, **options: Unpack[Options]) -> list[list[Neighbor]]:
        """The training rows nearest to each row, nearest first. For `rows` and errors see `search`."""
        return self._run(calls.neighbors(model, rows, options), options)

    def status(self, model: str, **options: Unpack[Options]) -> list[ModelVersion]:
        """Versions of a model and their states, newest first. Raises ServingError (NOT_FOUND if there is none)."""
        return self._run(calls.status(model, options), options)

    def metadata(self, model: str, **options: Unpack[Options]) -> ModelMetadata:
        """The version that answers, and its signatures. Raises ServingError."""
        return self._run(calls.metadata(model, options), options)

    def _run[R](self, call: Call[R], options: Options) -> R:
        steps, tries = self._session.steps(call), self._session.tries(options)
        try:
            message = next(steps)
            while True:
                message = steps.send(self._send(message, tries))
        except StopIteration as done:
            return done.value

    def _send(self, message: tuple[str, bytes], tries: Tries) -> bytes:
        while True:
            try:
                return self._transport.send(*message, tries.remaining())
            except ServingError as error:
                pause = tries.pause_after(error)
            time.sleep(pause)

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
