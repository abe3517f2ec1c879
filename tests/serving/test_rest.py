"""The REST API of a running server, row by row of what TF Serving's clients rely on."""

import base64
import gzip
import json
import math
from typing import Any

import pytest

ZOO = "/v1/models/zoo"


def predict(rest: Any, signature: str, body: dict[str, Any], path: str = ZOO) -> Any:
    return rest("POST", f"{path}:predict", {"signature_name": signature} | body)


# --- formats ---------------------------------------------------------------------------------------------------------


def test_row_format(rest: Any) -> None:
    answer = rest("POST", f"{ZOO}:predict", {"instances": [1.0, 2.0, 5.0]})
    assert (answer.status, answer.text) == (200, '{"predictions":[2.5,3.0,4.5]}')
    assert answer.headers["content-type"] == "application/json"


def test_column_format(rest: Any) -> None:
    answer = rest("POST", f"{ZOO}:predict", {"inputs": [1.0, 2.0, 5.0]})
    assert (answer.status, answer.text) == (200, '{"outputs":[2.5,3.0,4.5]}')


@pytest.mark.parametrize(
    ("signature", "body", "expected"),
    [
        ("serving_default", {"instances": [{"x": 1}, {"x": 3}]}, {"predictions": [2.5, 3.5]}),
        ("serving_default", {"inputs": {"x": [1, 3], "unknown": 7}}, {"outputs": [2.5, 3.5]}),
        ("", {"instances": [4]}, {"predictions": [4.0]}),
        (
            "matrix",
            {"instances": [[1, 2, 3], [4, 5, 6]]},
            {"predictions": [{"y": [2, 3, 4], "row_sum": 6}, {"y": [5, 6, 7], "row_sum": 15}]},
        ),
        ("matrix", {"inputs": [[1, 2], [4, 5]]}, {"outputs": {"y": [[2, 3], [5, 6]], "row_sum": [3, 9]}}),
        ("two_inputs", {"instances": [{"a": 5, "b": 2}, {"b": 1, "a": 0.5}]}, {"predictions": [3.0, -0.5]}),
        ("two_inputs", {"inputs": {"a": [5, 0.5], "b": [2, 1]}}, {"outputs": [3.0, -0.5]}),
        ("scalar", {"inputs": 4}, {"outputs": 8.0}),
        ("total", {"inputs": [1, 2, 4]}, {"outputs": 7.0}),
        ("uneven", {"inputs": [1, 2, 4]}, {"outputs": {"all": [1, 2, 4], "tail": [2, 4]}}),
        ("uneven", {"inputs": [1]}, {"outputs": {"all": [1], "tail": []}}),
    ],
)
def test_answers(rest: Any, signature: str, body: dict[str, Any], expected: dict[str, Any]) -> None:
    answer = predict(rest, signature, body)
    assert (answer.status, answer.json) == (200, expected)


def test_no_rows_out_are_an_empty_list(rest: Any) -> None:
    assert predict(rest, "serving_default", {"inputs": []}).text == '{"outputs":[]}'


def test_strings_in_and_out(rest: Any) -> None:
    hello = base64.b64encode("héllo".encode()).decode()
    answer = predict(rest, "shout", {"instances": [{"b64": hello}, "wörld\u0000!"]})
    assert answer.json["predictions"] == [
        {"upper": "HéLLO", "raw_bytes": {"b64": hello}, "length": 6},
        {
            "upper": "WöRLD\u0000!",
            "raw_bytes": {"b64": base64.b64encode("wörld\u0000!".encode()).decode()},
            "length": 8,
        },
    ]


def test_bytes_that_are_no_text_pass_through(rest: Any) -> None:
    body = b'{"signature_name": "shout", "instances": ["\xff\xfe!"]}'
    answer = rest("POST", f"{ZOO}:predict", body)
    assert answer.json["predictions"][0]["raw_bytes"] == {"b64": base64.b64encode(b"\xff\xfe!").decode()}


def test_nan_and_infinity_go_in_and_come_out_bare(rest: Any) -> None:
    body = b'{"signature_name": "reciprocal", "instances": [NaN, 0.0, -0.0, Infinity, -Inf, 4]}'
    answer = rest("POST", f"{ZOO}:predict", body)
    assert (answer.status, answer.text) == (200, '{"predictions":[NaN,Infinity,-Infinity,0.0,-0.0,0.25]}')


def test_a_double_too_big_for_float_becomes_infinite(rest: Any) -> None:
    answer = rest("POST", f"{ZOO}:predict", {"instances": [1e39, -1e39]})
    assert answer.text == '{"predictions":[Infinity,-Infinity]}'


def test_floats_are_the_shortest_that_round_trip(rest: Any) -> None:
    answer = predict(rest, "scalar", {"inputs": 0.05})
    assert answer.text == '{"outputs":0.1}'


def test_all_types_of_numbers(rest: Any) -> None:
    values = {
        "bool": [True, False],
        "float64": [0.1, -2.0],
        "int8": [-128, 127],
        "int16": [-32768, 5],
        "int32": [-(2**31), 2**31 - 1],
        "int64": [-(2**63), 2**63 - 1],
        "uint8": [0, 255],
        "uint32": [0, 2**32 - 1],
        "uint64": [0, 2**64 - 1],
    }
    answer = predict(rest, "kinds", {"inputs": values})
    assert (answer.status, answer.json) == (200, {"outputs": values})


def test_gzip_body(rest: Any) -> None:
    assert rest("POST", f"{ZOO}:predict", {"instances": [1]}, zipped=True).json == {"predictions": [2.5]}


def test_a_body_that_is_no_gzip_counts_as_empty(rest: Any) -> None:
    answer = rest("POST", f"{ZOO}:predict", b"plain", **{"content-encoding": "gzip"})
    assert (answer.status, answer.error) == (400, "JSON Parse error: The document is empty")


def test_gzip_in_two_members(rest: Any) -> None:
    body = gzip.compress(b'{"instances":') + gzip.compress(b" [1, 3]}")
    answer = rest("POST", f"{ZOO}:predict", body, **{"content-encoding": "gzip"})
    assert answer.json == {"predictions": [2.5, 3.5]}


def test_gzip_cut_short_counts_as_empty(rest: Any) -> None:
    body = gzip.compress(b'{"instances": [1]} ' + bytes(range(256)))[:-9]
    answer = rest("POST", f"{ZOO}:predict", body, **{"content-encoding": "gzip"})
    assert (answer.status, answer.error) == (400, "JSON Parse error: The document is empty")


def test_a_gzip_bomb_is_refused(rest: Any) -> None:
    bomb = gzip.compress(b" " * (100 * 2**20 + 1), compresslevel=1)
    answer = rest("POST", f"{ZOO}:predict", bomb, **{"content-encoding": "gzip"})
    assert (answer.status, answer.error) == (413, "request body is larger than 104857600 bytes")


# --- errors ----------------------------------------------------------------------------------------------------------

WRONG_BODIES = [
    ("serving_default", b"", "JSON Parse error: The document is empty"),
    ("serving_default", b"instances = [1]", "JSON Parse error: Invalid value. at offset: 0"),
    ("serving_default", b"[1]", "JSON Value: [\n    1\n] Is not object"),
    ("serving_default", b"{}", "Missing 'inputs' or 'instances' key"),
    (
        "serving_default",
        b'{"signature_name": 5}',
        'JSON Value: {\n    "signature_name": 5\n} not formatted correctly.'
        " 'signature_name' key must be a string value.",
    ),
    (
        "serving_default",
        b'{"instances": [1], "inputs": [1]}',
        'JSON Value: {\n    "instances": [\n        1\n    ],\n    "inputs": [\n        1\n    ]\n}'
        " Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ",
    ),
    (
        "serving_default",
        b'{"instances": 1}',
        "JSON Value: {\n    \"instances\": 1\n} Excepting 'instances' to be an list/array",
    ),
    (
        "serving_default",
        b'{"instances": []}',
        "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array",
    ),
    (
        "serving_default",
        b'{"instances": ["x"]}',
        "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT:"
        ' JSON Value: "x" Type: String is not of expected type: float',
    ),
    ("serving_default", b'{"inputs": [true]}', "JSON Value: true Type: True is not of expected type: float"),
    ("serving_default", b'{"inputs": {"y": [1]}}', "Missing named input: x in 'inputs' object."),
    (
        "serving_default",
        b'{"instances": [1, {"x": 1}]}',
        "Expecting value/list but got object at item 1 of input list",
    ),
    (
        "serving_default",
        b'{"instances": [{"x": 1}, 1]}',
        "Expecting object but got list at item 1 of input list",
    ),
    (
        "serving_default",
        b'{"instances": [1, [1]]}',
        "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [] but got: [1]",
    ),
    (
        "matrix",
        b'{"signature_name": "matrix", "instances": [[1,2],[3,4],[5,6,7]]}',
        "Failed to process element: 2 of 'instances' list."
        " Error: INVALID_ARGUMENT: Expecting tensor size: 2 but got: 3",
    ),
    (
        "matrix",
        b'{"signature_name": "matrix", "inputs": [[1,2],3]}',
        "JSON Value: 3 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
    ),
    (
        "matrix",
        b'{"signature_name": "matrix", "inputs": [[1,2],[3]]}',
        "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
    ),
    (
        "matrix",
        b'{"signature_name": "matrix", "inputs": [[1,[2]]]}',
        "Encountered list at unexpected level: 2 expected < 2",
    ),
    (
        "two_inputs",
        b'{"signature_name": "two_inputs", "instances": [1]}',
        "instances is a plain list, but expecting list of objects as multiple input tensors required"
        " as per tensorinfo_map",
    ),
    (
        "two_inputs",
        b'{"signature_name": "two_inputs", "inputs": [1]}',
        "inputs is a plain value/list, but expecting an object as multiple input tensors required"
        " as per tensorinfo_map",
    ),
    (
        "two_inputs",
        b'{"signature_name": "two_inputs", "instances": [{"a": 1}]}',
        "Failed to process element: 0 of 'instances' list. JSON object: {\n    \"a\": 1\n} keys must be equal to: a,b",
    ),
    (
        "two_inputs",
        b'{"signature_name": "two_inputs", "instances": [{"a": 1, "b": 2, "c": 3}]}',
        "Failed to process element: 0 key: c of 'instances' list."
        " Error: INVALID_ARGUMENT: JSON object: does not have named input: c",
    ),
    (
        "two_inputs",
        b'{"signature_name": "two_inputs", "inputs": {"a": [1], "b": [1.5]}}',
        "JSON Value: 1.5 Type: Number is not of expected type: int32",
    ),
    (
        "two_inputs",
        b'{"signature_name": "two_inputs", "inputs": {"a": [1], "b": [2147483648]}}',
        "JSON Value: 2147483648 Type: Number is not of expected type: int32",
    ),
    (
        "shout",
        b'{"signature_name": "shout", "inputs": [{"b64": "!!"}]}',
        "Unable to base64 decode",
    ),
    (
        "shout",
        b'{"signature_name": "shout", "inputs": [{"b64": "aGk=", "x": 1}]}',
        'JSON Value: {\n    "b64": "aGk=",\n    "x": 1\n} not formatted correctly for base64 data',
    ),
    (
        "shout",
        b'{"signature_name": "shout", "inputs": [null]}',
        "JSON Value: null Type: Null is not of expected type: string",
    ),
    (
        "nope",
        b'{"signature_name": "nope", "inputs": [1]}',
        'Serving signature name: "nope" not found in signature def',
    ),
    (
        "__saved_model_init_op",
        b'{"signature_name": "__saved_model_init_op", "inputs": [1]}',
        "Failed to get input map for signature: __saved_model_init_op",
    ),
    ("total", b'{"signature_name": "total", "instances": [1]}', "Tensor name: total has no shape information "),
    (
        "uneven",
        b'{"signature_name": "uneven", "instances": [1, 2, 3]}',
        "Tensor name: tail has inconsistent batch size: 2 expecting: 3",
    ),
]


@pytest.mark.parametrize(("signature", "body", "message"), WRONG_BODIES)
def test_wrong_bodies(rest: Any, signature: str, body: bytes, message: str) -> None:
    answer = rest("POST", f"{ZOO}:predict", body)
    assert (answer.status, answer.error) == (400, message), signature
    assert answer.headers["content-type"] == "application/json"


def test_what_json_cannot_become_is_unimplemented(rest: Any) -> None:
    answer = predict(rest, "half_floats", {"inputs": [1]})
    assert (answer.status, answer.error) == (501, "Conversion of JSON Value: 1 to type: half")


def test_a_failing_op_answers_with_its_own_text(rest: Any) -> None:
    answer = predict(rest, "positive", {"instances": [3, -1]})
    assert answer.status == 400
    assert "x must be positive" in answer.error


def test_debug_text_is_cut_at_256_bytes(rest: Any) -> None:
    answer = rest("POST", f"{ZOO}:predict", {"instances": [], "padding": "ü" * 1000})
    assert answer.status == 400
    shown = answer.error.removeprefix("JSON Value: ").removesuffix(" No values in 'instances' array")
    assert len(shown.encode()) in {255, 256}


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("POST", "/v1/foo", "Malformed request: POST /v1/foo"),
        ("GET", "/v1/foo?a=b", "Malformed request: GET /v1/foo?a=b"),
        ("GET", f"{ZOO}:predict", f"Malformed request: GET {ZOO}:predict"),
        ("POST", ZOO, f"Malformed request: POST {ZOO}"),
        ("PUT", f"{ZOO}:predict", f"Malformed request: PUT {ZOO}:predict"),
        ("DELETE", ZOO, f"Malformed request: DELETE {ZOO}"),
        ("POST", f"{ZOO}/metadata", f"Malformed request: POST {ZOO}/metadata"),
        ("POST", f"{ZOO}/version/7:predict", f"Malformed request: POST {ZOO}/version/7:predict"),
        ("POST", f"{ZOO}/versions/x:predict", f"Malformed request: POST {ZOO}/versions/x:predict"),
        ("POST", f"{ZOO}:predict?x=1", f"Malformed request: POST {ZOO}:predict?x=1"),
        ("GET", "/v1/models", "Missing model name in request."),
        ("GET", "/v1/models/metadata/metadata/x", "Malformed request: GET /v1/models/metadata/metadata/x"),
        (
            "POST",
            f"{ZOO}/versions/18446744073709551615:predict",
            "Failed to convert version: 18446744073709551615 to numeric.",
        ),
        ("POST", "/v1/models/adder/labels/nope:predict", "Unrecognized servable version label: nope"),
        ("OPTIONS", ZOO, "Origin header is missing in CORS preflight"),
    ],
)
def test_wrong_paths(rest: Any, method: str, path: str, message: str) -> None:
    answer = rest(method, path, {"instances": [1]} if method == "POST" else None)
    assert (answer.status, answer.error) == (400, message)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/v1/models/foo:predict", "Servable not found for request: Latest(foo)"),
        ("/v1/models/foo/versions/50:predict", "Servable not found for request: Specific(foo, 50)"),
        (f"{ZOO}/versions/99:predict", "Servable not found for request: Specific(zoo, 99)"),
    ],
)
def test_unknown_models_and_versions(rest: Any, path: str, message: str) -> None:
    answer = rest("POST", path, {"instances": [1]})
    assert (answer.status, answer.error) == (404, message)


def test_json_is_read_before_the_model_is_looked_up(rest: Any) -> None:
    answer = rest("POST", "/v1/models/foo:predict", b"")
    assert (answer.status, answer.error) == (400, "JSON Parse error: The document is empty")


def test_other_paths_are_not_found(rest: Any) -> None:
    assert rest("GET", "/elsewhere").status == 404


@pytest.mark.parametrize(
    ("verb", "path", "status", "message"),
    [
        (
            "classify",
            ZOO,
            400,
            "Expected classification signature method_name to be tensorflow/serving/classify."
            " Was: tensorflow/serving/predict",
        ),
        (
            "regress",
            ZOO,
            400,
            "Expected regression signature method_name to be tensorflow/serving/regress."
            " Was: tensorflow/serving/predict",
        ),
    ],
)
def test_classify_and_regress_need_their_signatures(rest: Any, verb: str, path: str, status: int, message: str) -> None:
    answer = rest("POST", f"{path}:{verb}", {"examples": [{"x": 1.0}]})
    assert (answer.status, answer.error) == (status, message)


def test_preflight_with_an_origin(rest: Any) -> None:
    answer = rest("OPTIONS", ZOO, origin="https://example.org")
    assert answer.status == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_large_numbers_of_rows(rest: Any) -> None:
    rows = [float(number) for number in range(5000)]
    answer = rest("POST", f"{ZOO}:predict", {"instances": rows})
    assert answer.json["predictions"] == [row / 2 + 2 for row in rows]


def test_nan_survives_in_nested_answers(rest: Any) -> None:
    answer = predict(rest, "matrix", {"inputs": [[1.5, float("nan")], [float("inf"), 2.0]]})
    assert json.loads(answer.text)["outputs"]["y"][0][0] == 2.5
    assert math.isnan(answer.json["outputs"]["y"][0][1])
    assert answer.json["outputs"]["y"][1] == [math.inf, 3.0]
