"""Metrics, access log, request ids, health and TLS of a running server."""

import json
from typing import Any

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.serving.operated import PREDICT, Operated, predictor, request

pytestmark = pytest.mark.end_to_end


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


def test_requests_are_counted_under_tf_servings_names(operated: Operated, operated_channel: grpc.Channel) -> None:
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
    predictor(operated_channel)(request(1.0, 2.0), timeout=20)
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [2, 1, 1, 1, 1, 5, 1]
    page = operated.get("/metrics")[2]
    assert '\n:tensorflow:serving:request_count{model_name="slow",status="OK"} ' in page
    assert 'request_latency_bucket{model_name="slow",API="predict",entrypoint="REST",le="32.4"} ' in page


def test_strangers_models_make_no_series(operated: Operated) -> None:
    assert operated.ask("POST", "/v1/models/stranger:predict", {"instances": [1]})[0] == 404
    page = operated.get("/metrics")[2]
    assert "stranger" not in page
    assert ':tensorflow:serving:request_count{model_name="",status="NOT_FOUND"} ' in page


def test_request_ids_and_the_access_log(operated: Operated, operated_channel: grpc.Channel) -> None:
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
    _, answer = predictor(operated_channel).with_call(request(1.0), metadata=[("x-request-id", "mine")], timeout=20)
    assert ("x-request-id", "mine") in answer.trailing_metadata()
    assert operated.logged(id="mine")["target"] == "/tensorflow.serving.PredictionService/Predict"
    with pytest.raises(grpc.RpcError) as caught:
        predictor(operated_channel)(request(1.0, model="none"), timeout=20)
    made_id = next(entry[1] for entry in metadata_of(caught.value) if entry[0] == "x-request-id")
    assert operated.logged(id=made_id)["code"] == "NOT_FOUND"


@pytest.mark.parametrize("unusable", ["", "a b", "x" * 129])
def test_an_unusable_id_is_replaced(operated: Operated, unusable: str) -> None:
    _, headers, _ = operated.get("/v1/models/slow", x_request_id=unusable)
    assert len(headers["x-request-id"]) == 32


@pytest.mark.parametrize(
    ("sent", "line"),
    [
        (
            f"POST {PREDICT} HTTP/1.1\r\nx-request-id: large/1\r\ncontent-length: 100001\r\n\r\n",
            {
                "id": "large/1",
                "api": "predict",
                "target": f"POST {PREDICT}",
                "code": "RESOURCE_EXHAUSTED",
                "http_status": 413,
            },
        ),
        (
            "GET / HTTP/1.1\r\n" + "a: b\r\n" * 300,
            {"target": "GET /", "code": "RESOURCE_EXHAUSTED", "http_status": 431},
        ),
        ("what is this\r\n\r\n", {"api": "other", "code": "INVALID_ARGUMENT", "http_status": 400}),
        ("GET /slow HT", {"api": "other", "code": "DEADLINE_EXCEEDED", "http_status": 408}),
    ],
)
def test_what_is_refused_on_the_wire_is_counted_and_logged(operated: Operated, sent: str, line: dict[str, Any]) -> None:
    labels = {"entrypoint": "REST", "api": line.get("api", "other"), "status": line["code"], "model_name": ""}
    before = operated.sample("anchorline_requests_total", **labels)
    with operated.connect() as connection:
        connection.sendall(sent.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    head, _, _ = answer.partition("\r\n\r\n")
    headers = dict(field.split(": ", 1) for field in head.split("\r\n")[1:])
    found = operated.logged(id=headers["x-request-id"])
    assert line.items() <= found.items()
    assert found["client"].startswith("127.0.0.1:")
    assert operated.sample("anchorline_requests_total", **labels) == before + 1
    assert operated.sample("anchorline_requests_in_flight") == 0


# --- health and TLS -------------------------------------------------------------------------------------------------


def test_standard_health_service(operated_channel: grpc.Channel) -> None:
    health = health_pb2_grpc.HealthStub(operated_channel)
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


def test_channel_arguments_are_obeyed(operated_channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        predictor(operated_channel)(request(*[1.0] * 80_000), timeout=20)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
