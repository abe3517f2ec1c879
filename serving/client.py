"""A client of TF Serving's gRPC API that needs NumPy and grpcio, and no TensorFlow.

with Client("127.0.0.1", 8500) as client:
    client.predict("faq", {"text": ["How long does a permit take?"]}, signature="search")
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np

from serving import tensor_proto
from serving.protos import PREDICT_METHOD, PredictRequest, PredictResponse

_UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class ServingError(Exception):
    """The server refused or failed a request.

    Attributes:
        code: the gRPC status code, for example `grpc.StatusCode.NOT_FOUND`.
        message: the server's own sentence.
    """

    def __init__(self, code: grpc.StatusCode, message: str):
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message


class Client:
    """One connection to one model server, which several threads may share; `close()` or a `with` block ends it."""

    def __init__(self, host: str, grpc_port: int):
        self._channel = grpc.insecure_channel(f"{host}:{grpc_port}", options=_UNLIMITED)
        self._predict = self._channel.unary_unary(
            PREDICT_METHOD,
            request_serializer=PredictRequest.SerializeToString,
            response_deserializer=PredictResponse.FromString,
        )

    def predict(
        self,
        model: str,
        inputs: Mapping[str, Any],
        signature: str = "serving_default",
        *,
        version: int | None = None,
        timeout: float = 30.0,
    ) -> dict[str, np.ndarray]:
        """Run one signature and return its outputs by name.

        Args:
            model: the model's name on the server.
            inputs: one value for each input of the signature: arrays, or (nested) lists of numbers, str or bytes. As
                with `tf.constant`, Python floats become float32 and ints int32 (int64 where they do not fit).
            signature: the signature's name.
            version: the model's version; None is the newest.
            timeout: seconds to wait for the answer.

        Returns:
            Arrays with the shapes and types of the signature; strings as object arrays of bytes.

        Raises:
            ServingError: the server said no, could not be reached, or took too long.
            TypeError: a value cannot be sent as a tensor.
        """
        request = PredictRequest()
        request.model_spec.name = model
        request.model_spec.signature_name = signature
        if version is not None:
            request.model_spec.version.value = version
        for name, value in inputs.items():
            tensor_proto.fill(request.inputs[name], _as_tensor(name, value))
        try:
            response = self._predict(request, timeout=timeout)
        except grpc.RpcError as error:
            raise ServingError(error.code(), error.details() or "") from error
        return {name: tensor_proto.to_array(proto) for name, proto in response.outputs.items()}

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _as_tensor(name: str, value: Any) -> np.ndarray:
    """`value` as an array of a type that a tensor has."""
    try:
        array = np.asarray(value)
    except UnicodeDecodeError:
        return np.array(value, object)  # str beside bytes that are no ASCII
    except ValueError as error:
        raise TypeError(f"input {name!r} is ragged: all lists of one level must have the same length") from error
    if isinstance(value, np.ndarray | np.generic):
        return array.astype(object) if array.dtype.kind in "US" else array
    if array.dtype.kind in "US":
        return np.array(value, object)  # straight from the list: NumPy's own strings lose trailing NUL bytes
    if array.dtype == np.float64:
        return array.astype(np.float32)
    if array.dtype == np.int64 and np.array_equal(array, array.astype(np.int32)):
        return array.astype(np.int32)
    return array
