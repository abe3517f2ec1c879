"""The server under fuzz, and what it may answer.

Of the statuses that say "it is the server's fault" (5xx of REST, their codes of gRPC) a request, however wrong, may
only be answered with those that TF Serving has for it:

- 501, "Conversion of JSON Value: … to type: …", where a JSON value is sent for an input whose type JSON cannot hold,
  such as float16 (util/json_tensor.cc).
- INTERNAL where the message cannot be parsed: gRPC's own C++ code answers so before TF Serving sees it.
- UNIMPLEMENTED, "Unsupported signature method_name: …", for a task of MultiInference that is neither classification
  nor regression (servables/tensorflow/multi_inference.cc).
- UNKNOWN, "… did not become available …", for HandleReloadConfigRequest with a model that has no version to load
  (core/server_core.cc).
"""

import http.client
import json
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from serving.process import ModelServer
from tests.serving.fuzz.messages import MULTI_INFERENCE, PREDICT, RELOAD, Method

# More than this is a hang; ours are answered in milliseconds.
SECONDS = 20.0

_Code = grpc.StatusCode
_OK = 200
_CLIENTS_FAULT = {_Code.INVALID_ARGUMENT, _Code.NOT_FOUND, _Code.FAILED_PRECONDITION, _Code.OUT_OF_RANGE}
_SERVERS_TEXTS = {
    (MULTI_INFERENCE.path, _Code.UNIMPLEMENTED): "Unsupported signature method_name: ",
    (RELOAD.path, _Code.UNKNOWN): "model(s) did not become available: ",
}
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Fuzzed:
    """A running server and connections to it. Every answer is judged, and so is the next one to a proper request."""

    def __init__(self, server: ModelServer):
        self.server = server
        self._rest = http.client.HTTPConnection(server.host, server.rest_port, timeout=SECONDS)
        self._channel = grpc.insecure_channel(f"{server.host}:{server.grpc_port}", options=_UNLIMITED)
        self._probe = PREDICT.request(model_spec={"name": "half_plus_two"})
        self._probe.inputs["x"].dtype = 1
        self._probe.inputs["x"].tensor_shape.dim.add(size=1)
        self._probe.inputs["x"].float_val.append(3.0)

    def close(self) -> None:
        """Close the connections."""
        self._rest.close()
        self._channel.close()

    def ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and body of a REST request. Raises TimeoutError, or whatever a broken answer makes of it."""
        self._rest.request(method, path, body, headers)
        answer = self._rest.getresponse()
        return answer.status, answer.read()

    def check_rest(self, method: str, path: str, body: bytes | None, **headers: str) -> None:
        """Send a request, judge the answer, and see that the next request on the connection is answered."""
        status, text = self.ask(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        if status != _OK:
            error = json.loads(text)
            assert list(error) == ["error"], (status, text)
            assert status < 500 or (status == 501 and error["error"].startswith("Conversion of JSON Value: ")), error
        elif method == "POST":
            assert len(json.loads(text)) == 1, text
        self.probe_rest()

    def probe_rest(self) -> None:
        """A proper request is answered."""
        status, text = self.ask("POST", "/v1/models/half_plus_two:predict", b'{"instances": [3.0]}', {})
        assert (status, json.loads(text)) == (200, {"predictions": [3.5]})

    def call(self, method: Method, raw: bytes) -> tuple[grpc.StatusCode, str, Any]:
        """Code, details and response of a gRPC request."""
        call: Any = self._channel.unary_unary(method.path, response_deserializer=method.response.FromString)
        try:
            return _Code.OK, "", call(raw, timeout=SECONDS)
        except grpc.RpcError as error:
            known: Any = error
            return known.code(), known.details(), None

    def check_grpc(self, method: Method, raw: bytes) -> None:
        """Send a message, judge the answer, and see that the next one is answered."""
        self.check_answer(method, raw)
        self.probe_grpc()

    def check_answer(self, method: Method, raw: bytes) -> None:
        """Send a message and judge the answer."""
        code, details, _ = self.call(method, raw)
        if not _can_be_parsed(method, raw):
            assert code is _Code.INTERNAL, (code, details)
        elif code is not _Code.OK and code not in _CLIENTS_FAULT:
            assert (method.path, code) in _SERVERS_TEXTS, (code, details)
            assert _SERVERS_TEXTS[method.path, code] in details

    def probe_grpc(self) -> None:
        """A proper message is answered."""
        code, details, response = self.call(PREDICT, self._probe.SerializeToString())
        assert (code, details) == (_Code.OK, "")
        assert list(response.outputs["y"].float_val) == [3.5]


def _can_be_parsed(method: Method, raw: bytes) -> bool:
    try:
        method.request.FromString(raw)
    except DecodeError:
        return False
    return True
