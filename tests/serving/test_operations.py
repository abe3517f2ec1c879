"""One server with everything on that is off by default: metrics, access log, lists, TLS, and tight limits."""

import asyncio
import contextlib
import http.client
import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

from serving.process import ModelServer
from serving.server.silent_tensorflow import predict_pb2, tf

pytestmark = pytest.mark.end_to_end

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


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    folder = tmp_path_factory.mktemp("operated")
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


@pytest.fixture(scope="module")
def channel(operated: Operated) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"unix:{operated.socket_path}") as connected:
        yield connected


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


def metadata_of(error: Any) -> Any:
    return error.trailing_metadata()


# --- what needs no model --------------------------------------------------------------------------------------------


def test_pages_without_a_model_name(operated: Operated) -> None:
    assert operated.get("/healthz")[::2] == (200, "ok\n")
    assert operated.get("/readyz")[::2] == (200, '{"slow": true}')
    status, headers, body = operated.get("/v1/models")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(body) == {"models": [{"name": "slow", "versions": [{"version": "3", "state": "AVAILABLE"}]}]}
    assert operated.ask("POST", "/healthz", b"")[0] == 404


# --- metrics, log, ids ----------------------------------------------------------------------------------------------


def test_requests_are_counted_under_tf_servings_names(operated: Operated, channel: grpc.Channel) -> None:
    prefix = ":tensorflow:serving:"

    def counted() -> list[float]:
        return [
            operated.sample(f"{prefix}request_count_total", model_name="slow", status="OK"),
            operated.sample(f"{prefix}request_count_total", model_name="slow", status="INVALID_ARGUMENT"),
            operated.sample(f"{prefix}request_latency_count", model_name="slow", API="predict", entrypoint="REST"),
            operated.sample(f"{prefix}request_latency_count", model_name="slow", API="Predict", entrypoint="GRPC"),
            operated.sample(f"{prefix}runtime_latency_count", model_name="slow", API="predict", runtime="TF1"),
            operated.sample("anchorline_rows_total", model_name="slow", version="3", signature="serving_default"),
            operated.sample("anchorline_requests_total", model_name="slow", api="status", entrypoint="REST"),
        ]

    before = counted()
    assert operated.ask("POST", PREDICT, {"instances": [1.0, 2.0, 3.0]})[0] == 200
    assert operated.ask("POST", PREDICT, {"instances": ["x"]})[0] == 400
    assert operated.get("/v1/models/slow")[0] == 200
    predictor(channel)(request(1.0, 2.0), timeout=20)
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [2, 1, 1, 1, 1, 5, 1]
    page = operated.get("/metrics")[2]
    assert '\n:tensorflow:serving:request_count{model_name="slow",status="OK"} ' in page
    assert 'request_latency_bucket{model_name="slow",API="predict",entrypoint="REST",le="32.4"} ' in page


def test_strangers_models_make_no_series(operated: Operated) -> None:
    assert operated.ask("POST", "/v1/models/stranger:predict", {"instances": [1]})[0] == 404
    page = operated.get("/metrics")[2]
    assert "stranger" not in page
    assert ':tensorflow:serving:request_count{model_name="",status="NOT_FOUND"} ' in page


def test_request_ids_and_the_access_log(operated: Operated, channel: grpc.Channel) -> None:
    _, headers, _ = operated.ask("POST", PREDICT, {"instances": [1.0, 2.0]}, x_request_id="my-id/1")
    assert headers["x-request-id"] == "my-id/1"
    line = operated.logged(id="my-id/1")
    assert line.pop("milliseconds") > 0
    assert line.pop("client").startswith("127.0.0.1:")
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "id": "my-id/1",
        "entrypoint": "REST",
        "api": "predict",
        "target": f"POST {PREDICT}",
        "model": "slow",
        "version": 3,
        "signature": "serving_default",
        "rows": 2,
        "code": "OK",
        "http_status": 200,
    }
    _, made, _ = operated.get("/v1/models/none")
    assert len(made["x-request-id"]) == 32
    assert operated.logged(id=made["x-request-id"])["code"] == "NOT_FOUND"
    _, answer = predictor(channel).with_call(request(1.0), metadata=[("x-request-id", "mine")], timeout=20)
    assert ("x-request-id", "mine") in answer.trailing_metadata()
    assert operated.logged(id="mine")["target"] == "/tensorflow.serving.PredictionService/Predict"
    with pytest.raises(grpc.RpcError) as caught:
        predictor(channel)(request(1.0, model="none"), timeout=20)
    made_id = next(entry[1] for entry in metadata_of(caught.value) if entry[0] == "x-request-id")
    assert operated.logged(id=made_id)["code"] == "NOT_FOUND"


@pytest.mark.parametrize("unusable", ["", "a b", "x" * 129])
def test_an_unusable_id_is_replaced(operated: Operated, unusable: str) -> None:
    _, headers, _ = operated.get("/v1/models/slow", x_request_id=unusable)
    assert len(headers["x-request-id"]) == 32


# --- health and TLS -------------------------------------------------------------------------------------------------


def test_standard_health_service(channel: grpc.Channel) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    for service in ("", "slow"):
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=20)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as caught:
        health.Check(health_pb2.HealthCheckRequest(service="none"), timeout=20)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    watch = health.Watch(health_pb2.HealthCheckRequest(service="none"), timeout=20)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    watch.cancel()


def test_tls_asks_for_a_certificate(operated: Operated) -> None:
    address = f"localhost:{operated.server.grpc_port}"
    root = operated.ca.cert_pem.bytes()
    mine = operated.ca.issue_cert("client")
    known = grpc.ssl_channel_credentials(root, mine.private_key_pem.bytes(), mine.cert_chain_pems[0].bytes())
    with grpc.secure_channel(address, known) as channel:
        assert list(predictor(channel)(request(4.0), timeout=20).outputs["y"].float_val) == [4.0]
    stranger = trustme.CA().issue_cert("client")
    refused = [
        grpc.secure_channel(address, grpc.ssl_channel_credentials(root)),
        grpc.secure_channel(
            address,
            grpc.ssl_channel_credentials(root, stranger.private_key_pem.bytes(), stranger.cert_chain_pems[0].bytes()),
        ),
        grpc.insecure_channel(address),
    ]
    for channel in refused:
        with channel, pytest.raises(grpc.RpcError) as caught:
            predictor(channel)(request(4.0), timeout=5)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_channel_arguments_are_obeyed(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        predictor(channel)(request(*[1.0] * 80_000), timeout=20)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


# --- limits ---------------------------------------------------------------------------------------------------------


def test_a_large_request_is_split_as_the_batching_file_says(operated: Operated) -> None:
    status, _, body = operated.ask("POST", PREDICT, {"instances": list(range(25))})
    assert (status, json.loads(body)["predictions"]) == (200, [float(number) for number in range(25)])
    status, _, body = operated.ask("POST", PREDICT, {"instances": [1] * 41})  # 40 may wait; alone any number may
    assert status == 200


def test_rows_and_bytes_of_a_request(operated: Operated, channel: grpc.Channel) -> None:
    status, _, body = operated.ask("POST", PREDICT, {"instances": [1] * 1001})
    assert (status, json.loads(body)["error"]) == (400, "Task size 1001 is larger than maximum input batch size 1000")
    with pytest.raises(grpc.RpcError) as caught:
        predictor(channel)(request(*[1.0] * 1001), timeout=20)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    status, _, body = operated.ask("POST", PREDICT, b" " * 100_001)
    assert (status, json.loads(body)["error"]) == (413, "request body is larger than 100000 bytes")


def answer_to(connection: socket.socket) -> tuple[int, str]:
    """Status and text of an answer, up to the end of the connection."""
    received = b""
    while part := connection.recv(65536):
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, body.decode()


HEAD = b"POST /v1/models/slow:predict HTTP/1.1\r\nhost: x\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "error"),
    [
        (HEAD, 408, "the request's headers did not come within 0.5 seconds"),
        (b"", 0, ""),
        (b"\r\n", 408, "the request's headers did not come within 0.5 seconds"),
        (HEAD + b"content-length: 9\r\n\r\n{", 408, "the request's body did not come within 0.7 seconds"),
        (HEAD + b"a: b\r\n" * 300 + b"\r\n", 431, "the request line and the headers are larger than 8192 bytes"),
        (HEAD + b"a: " + b"b" * 9000, 431, "the request line and the headers are larger than 8192 bytes"),
        (b"GET /" + b"b" * 9000, 431, "the request line and the headers are larger than 8192 bytes"),
        (b"what is this\r\n\r\n", 400, "Invalid HTTP request received."),
    ],
)
def test_slow_and_flooding_clients(operated: Operated, sent: bytes, status: int, error: str) -> None:
    with operated.connect() as connection:
        for start in range(0, len(sent), 4096):
            connection.sendall(sent[start : start + 4096])
            time.sleep(0.01)
        began = time.monotonic()
        got, body = answer_to(connection)
        assert time.monotonic() - began < 3
    assert got == status
    assert not error or json.loads(body) == {"error": error}


def test_drops_of_bytes_do_not_keep_a_connection(operated: Operated) -> None:
    with operated.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.setblocking(False)
        began = time.monotonic()
        open_still = True
        while open_still and time.monotonic() - began < 5:
            time.sleep(0.05)
            with contextlib.suppress(BlockingIOError):
                open_still = connection.recv(65536) != b""
            with contextlib.suppress(OSError):
                connection.sendall(b"\r\n")
        assert time.monotonic() - began < 3


def test_a_connection_is_used_again(operated: Operated) -> None:
    with operated.connect() as connection:
        for _ in range(3):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            received = b""
            while not received.endswith(b"\r\n\r\nok\n"):
                received += connection.recv(65536)
            time.sleep(0.6)  # longer than headers may take once they have begun


# --- work that nobody waits for -------------------------------------------------------------------------------------


def test_the_work_of_a_client_that_has_gone_is_not_done(operated: Operated) -> None:
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(operated.count_to, 500_000)
        time.sleep(0.1)
        with operated.connect() as connection:
            body = b'{"instances": [9e6]}'
            connection.sendall(HEAD + b"x-request-id: gone\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            time.sleep(0.1)
        assert operated.logged(id="gone")["code"] == "CANCELLED"
        began = time.monotonic()
        assert operated.count_to(1)[0] == 200
        assert busy.result()[0] == 200
        assert time.monotonic() - began < 10


def test_the_work_of_a_deadline_that_has_passed_is_not_done(operated: Operated, channel: grpc.Channel) -> None:
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(operated.count_to, 500_000)
        time.sleep(0.1)
        with pytest.raises(grpc.RpcError) as caught:
            predictor(channel)(request(9e6), timeout=0.1, metadata=[("x-request-id", "late")])
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert operated.logged(id="late")["code"] == "CANCELLED"
        began = time.monotonic()
        assert list(predictor(channel)(request(2.0), timeout=20).outputs["y"].float_val) == [2.0]
        assert busy.result()[0] == 200
        assert time.monotonic() - began < 10


def test_an_overloaded_server_refuses_and_recovers_at_once(operated: Operated) -> None:
    statuses: list[int] = []
    end = time.monotonic() + 3

    def hammer(_number: int) -> None:
        while time.monotonic() < end:
            began = time.monotonic()
            status, _, text = operated.ask("POST", PREDICT, {"instances": [3000] * 10})
            assert time.monotonic() - began < 3
            if status == 429:
                assert re.search("rows are waiting, at most 40 may|24 requests are being answered", text)
            statuses.append(status)

    with ThreadPoolExecutor(40) as pool:
        list(pool.map(hammer, range(40)))
    assert set(statuses) == {200, 429}
    began = time.monotonic()
    assert operated.count_to(1)[0] == 200
    assert time.monotonic() - began < 0.5


def test_grpc_refuses_too_many_requests(operated: Operated) -> None:
    async def many() -> list[Any]:
        async with grpc.aio.insecure_channel(f"unix:{operated.socket_path}") as channel:
            call = predictor(channel)
            return await asyncio.gather(
                *(call(request(20_000.0), timeout=20) for _ in range(60)), return_exceptions=True
            )

    answers = asyncio.run(many())
    refused = [answer for answer in answers if isinstance(answer, grpc.RpcError)]
    assert 0 < len(refused) < 60
    assert {error.code() for error in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert any("24 requests are being answered; no more may be" in str(error.details()) for error in refused)
