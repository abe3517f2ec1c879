"""REST: paths, versions, labels, status, metadata and CORS."""

from typing import Any

import pytest

from tests.serving.conformance.cases import Case, check, table

TEN = '{"instances": [10]}'
AVAILABLE = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}


def malformed(request: str) -> tuple[Any, ...]:
    return (request, TEN if request.startswith("POST") else None, 400, f"Malformed request: {request}")


ROWS: dict[str, Any] = {
    "paths": [
        ("POST /v1/models/adder:predict", TEN, 200, '{"predictions":[12.0]}'),
        ("POST /v1/models/adder/versions/1:predict", TEN, 200, '{"predictions":[11.0]}'),
        ("POST /v1/models/adder/versions/0002:predict", TEN, 200, '{"predictions":[12.0]}'),
        ("POST /v1/models/adder/labels/stable:predict", TEN, 200, '{"predictions":[11.0]}'),
        ("POST /v1/models/adder/labels/canary:predict", TEN, 200, '{"predictions":[12.0]}'),
        ("POST /V1/Models/adder/Labels/stable:PREDICT", TEN, 200, '{"predictions":[11.0]}'),
        ("POST /v1/models/adder/labels/st%61ble:predict", TEN, 200, '{"predictions":[11.0]}'),
        ("POST /v1/models/a%20b%2F%C3%BC:predict", TEN, 200, '{"predictions":[7.0]}'),
    ],
    "bad path or method": [
        malformed("POST /v1/foo"),
        malformed("GET /v1/foo?a=b"),
        malformed("GET /v1/models/zoo:predict"),
        malformed("POST /v1/models/zoo"),
        malformed("PUT /v1/models/zoo:predict"),
        malformed("DELETE /v1/models/zoo"),
        malformed("POST /v1/models/zoo:explain"),
        malformed("POST /v1/models/zoo/metadata"),
        malformed("POST /v1/models/zoo/version/7:predict"),
        malformed("POST /v1/models/zoo/versions/x:predict"),
        malformed("POST /v1/models/zoo/versions/7/labels/a:predict"),
        malformed("POST /v1/models/zoo:predict?x=1"),
        malformed("GET /v1/models/metadata/metadata/x"),
        ("GET /v1/models", None, 400, "Missing model name in request."),
        (
            "POST /v1/models/zoo/versions/9223372036854775808:predict",
            TEN,
            400,
            "Failed to convert version: 9223372036854775808 to numeric.",
        ),
        (
            f"POST /v1/models/zoo/versions/{'9' * 5000}:predict",
            TEN,
            400,
            f"Failed to convert version: {'9' * 5000} to numeric.",
        ),
        (f"POST /v1/models/adder/versions/{'0' * 5000}1:predict", TEN, 200, '{"predictions":[11.0]}'),
        ("GET /elsewhere", None, 404, "Not Found"),
    ],
    "unknown model, version": [
        ("POST /v1/models/foo:predict", TEN, 404, "Servable not found for request: Latest(foo)"),
        ("POST /v1/models/foo/versions/50:predict", TEN, 404, "Servable not found for request: Specific(foo, 50)"),
        ("POST /v1/models/zoo/versions/99:predict", TEN, 404, "Servable not found for request: Specific(zoo, 99)"),
        ("POST /v1/models/foo:predict", "", 400, "JSON Parse error: The document is empty"),
    ],
    "unknown label": [
        ("POST /v1/models/adder/labels/nope:predict", TEN, 400, "Unrecognized servable version label: nope"),
        ("POST /v1/models/foo/labels/stable:predict", TEN, 400, "Unrecognized servable version label: stable"),
        ("GET /v1/models/adder/labels/nope/metadata", None, 400, "Unrecognized servable version label: nope"),
    ],
    "status": [
        (
            "GET /v1/models/adder",
            None,
            200,
            {"model_version_status": [{"version": "2", **AVAILABLE}, {"version": "1", **AVAILABLE}]},
        ),
        ("GET /v1/models/adder/versions/1", None, 200, {"model_version_status": [{"version": "1", **AVAILABLE}]}),
        ("GET /v1/models/half_plus_two", None, 200, {"model_version_status": [{"version": "123", **AVAILABLE}]}),
        ("GET /v1/models/foo", None, 404, "Could not find any versions of model foo"),
        ("GET /v1/models/foo/versions/3", None, 404, "Could not find version 3 of model foo"),
        ("GET /v1/models/adder/versions/3", None, 404, "Could not find version 3 of model adder"),
    ],
    "metadata": [
        ("GET /v1/models/foo/metadata", None, 404, "Servable not found for request: Latest(foo)"),
        ("GET /v1/models/adder/versions/9/metadata", None, 404, "Servable not found for request: Specific(adder, 9)"),
    ],
    "CORS": [("OPTIONS /v1/models/zoo", None, 400, "Origin header is missing in CORS preflight")],
}


@table(ROWS)
def test_paths(rest: Any, case: Case) -> None:
    check(rest, case)


def test_metadata(rest: Any) -> None:
    answer = rest("GET", "/v1/models/adder/labels/stable/metadata")
    assert answer.status == 200
    assert answer.json["model_spec"] == {"name": "adder", "version": "1", "signature_name": ""}
    signature = answer.json["metadata"]["signature_def"]["signature_def"]["serving_default"]
    size = {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    assert signature["inputs"]["x"] == {"name": "serving_default_x:0", "dtype": "DT_FLOAT", "tensor_shape": size}
    assert signature["outputs"]["y"]["dtype"] == "DT_FLOAT"
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert signature["defaults"] == {}


def test_metadata_lists_every_signature(rest: Any) -> None:
    signatures = rest("GET", "/v1/models/half_plus_two/metadata").json["metadata"]["signature_def"]["signature_def"]
    assert {name: signature["method_name"].rsplit("/", 1)[1] for name, signature in signatures.items()} == {
        "serving_default": "predict",
        "regress_x_to_y": "regress",
        "regress_x_to_y2": "regress",
        "regress_x2_to_y3": "regress",
        "classify_x_to_y": "classify",
        "classify_x_to_labels": "classify",
    }


@pytest.mark.parametrize("path", ["/v1/models/zoo", "/v1/models/zoo:predict"])
def test_preflight_with_an_origin(rest: Any, path: str) -> None:
    answer = rest("OPTIONS", path, origin="https://example.org")
    assert (answer.status, answer.text) == (200, "")
    assert not [name for name in answer.headers if name.startswith("access-control")]  # off unless asked for
