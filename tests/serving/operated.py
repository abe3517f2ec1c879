"""A server with everything on that is off by default (metrics, access log, lists, TLS) and with tight limits."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import trustme
from prometheus_client.parser import text_string_to_metric_families

from serving.process import ModelServer
from serving.server.silent_tensorflow import predict_pb2, tf

PREDICT = "/v1/models/slow:predict"


class Slow(tf.Module):
    """Counts to x: about 500,000 a second, so a request says how long it takes."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def count(self, x: Any) -> Any:
        top = tf.reduce_max(x)
        counted = tf.while_loop(lambda i: i < top, lambda i: [i + 1.0], [tf.constant(0.0)])[0]
        return {"y": x + 0.0 * counted}


class Operated(NamedTuple):
    """The running server and what belongs to it."""

    server: ModelServer
    socket_path: Path
    access_log: Path
    ca: trustme.CA

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        return self.ask("GET", path, None, **headers)

    def ask(self, method: str, path: str, body: Any, **headers: str) -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection(self.server.host, self.server.rest_port, timeout=30)
        try:
            raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, raw, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
        finally:
            connection.close()

    def count_to(self, x: float) -> tuple[int, dict[str, str], str]:
        return self.ask("POST", PREDICT, {"instances": [x]})

    def connect(self) -> socket.socket:
        return socket.create_connection((self.server.host, self.server.rest_port), timeout=20)

    def logged(self, **wanted: Any) -> dict[str, Any]:
        """The newest line of the access log with these values, as soon as it is written."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            lines = [json.loads(line) for line in self.access_log.read_text().splitlines()]
            found = [line for line in lines if wanted.items() <= line.items()]
            if found:
                return found[-1]
            time.sleep(0.05)
        raise AssertionError(f"no line with {wanted} in {self.access_log.read_text()}")

    def sample(self, name: str, **labels: str) -> float:
        """A value on the page of metrics; 0 if it is not there."""
        _, _, page = self.get("/metrics")
        samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
        return sum(
            sample.value for sample in samples if sample.name == name and labels.items() <= sample.labels.items()
        )


@contextmanager
def operated_server(folder: Path) -> Iterator[Operated]:
    """The server running; its files are in `folder`."""
    model = Slow()
    tf.saved_model.save(model, str(folder / "slow" / "3"), signatures={"serving_default": model.count})
    ca = trustme.CA()
    certificate = ca.issue_cert("localhost", "127.0.0.1")
    config = {
        "server_key": certificate.private_key_pem.bytes(),
        "server_cert": certificate.cert_chain_pems[0].bytes(),
        "custom_ca": ca.cert_pem.bytes(),
    }
    texts = {name: f"{name}: {json.dumps(value.decode())}" for name, value in config.items()}
    (folder / "ssl.config").write_text("\n".join([*texts.values(), "client_verify: true"]))
    (folder / "monitoring.config").write_text('prometheus_config { enable: true path: "/metrics" }')
    (folder / "batching.config").write_text(
        "max_batch_size { value: 2000 } enable_large_batch_splitting { value: true }"
        " max_execution_batch_size { value: 10 } max_enqueued_batches { value: 4 }"
    )
    flags = {
        "ssl_config_file": str(folder / "ssl.config"),
        "monitoring_config_file": str(folder / "monitoring.config"),
        "access_log": str(folder / "access.log"),
        "grpc_socket_path": str(folder / "grpc.sock"),
        "grpc_channel_arguments": "grpc.max_receive_message_length=300000,grpc.primary_user_agent=x",
        "enable_model_list": "true",
        "batching_parameters_file": str(folder / "batching.config"),
        "max_concurrent_requests": "24",
        "max_request_rows": "1000",
        "rest_api_max_body_bytes": "100000",
        "rest_api_max_header_bytes": "8192",
        "rest_api_header_timeout_in_ms": "500",
        "rest_api_body_timeout_in_ms": "700",
        "rest_api_write_timeout_in_ms": "500",
    }
    with ModelServer({"slow": folder / "slow"}, flags=flags) as server:
        yield Operated(server, folder / "grpc.sock", folder / "access.log", ca)


def predictor(channel: Any) -> Any:
    return channel.unary_unary(
        "/tensorflow.serving.PredictionService/Predict",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=predict_pb2.PredictResponse.FromString,
    )


def request(*x: float, model: str = "slow") -> Any:
    message = predict_pb2.PredictRequest()
    message.model_spec.name = model
    message.inputs["x"].CopyFrom(tf.make_tensor_proto(list(x), tf.float32))
    return message
