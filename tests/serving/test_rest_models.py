"""The REST API of a running server: which version answers, and what it tells of its models."""

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/models/adder", 12.0),
        ("/v1/models/adder/versions/1", 11.0),
        ("/v1/models/adder/versions/0002", 12.0),
        ("/v1/models/adder/labels/stable", 11.0),
        ("/v1/models/adder/labels/canary", 12.0),
        ("/V1/Models/adder/Labels/stable", 11.0),
    ],
)
def test_versions_and_labels(rest: Any, path: str, expected: float) -> None:
    assert rest("POST", f"{path}:PREDICT", {"instances": [10]}).json == {"predictions": [expected]}


def test_names_are_percent_decoded(rest: Any) -> None:
    assert rest("POST", "/v1/models/a%20b%2F%C3%BC:predict", {"instances": [2]}).json == {"predictions": [3.0]}


def test_a_graph_of_tensorflow_1(rest: Any) -> None:
    answer = rest("POST", "/v1/models/estimator/versions/123:predict", {"instances": [[2.0], [4.0]]})
    assert answer.json == {"predictions": [[4.0], [5.0]]}


def test_status(rest: Any) -> None:
    available = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert rest("GET", "/v1/models/adder").json == {
        "model_version_status": [{"version": "2", **available}, {"version": "1", **available}]
    }
    assert rest("GET", "/v1/models/adder/versions/1").json == {"model_version_status": [{"version": "1", **available}]}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/v1/models/foo", "Could not find any versions of model foo"),
        ("/v1/models/foo/versions/3", "Could not find version 3 of model foo"),
        ("/v1/models/adder/versions/3", "Could not find version 3 of model adder"),
        ("/v1/models/foo/metadata", "Servable not found for request: Latest(foo)"),
    ],
)
def test_status_and_metadata_of_the_unknown(rest: Any, path: str, message: str) -> None:
    answer = rest("GET", path)
    assert (answer.status, answer.error) == (404, message)


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
