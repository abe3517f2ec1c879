"""REST predict: formats, types and what is wrong with a body."""

import base64
import gzip
import json
from typing import Any

import pytest

from tests.serving.conformance.cases import Case, check, table

ZOO = "POST /v1/models/zoo:predict"
HELLO = base64.b64encode("héllo".encode()).decode()
KINDS = {
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


def ask(signature: str, body: str) -> str:
    """`body` for a signature of `zoo`; "" is the default."""
    return body if not signature else f'{{"signature_name": "{signature}", {body[1:]}'


def good(signature: str, body: str, answer: Any) -> tuple[Any, ...]:
    return (ZOO, ask(signature, body), 200, answer)


def bad(signature: str, body: str, answer: str) -> tuple[Any, ...]:
    return (ZOO, ask(signature, body), 400, answer)


def bad_document(document: str, answer: str) -> tuple[Any, ...]:
    """A mistake whose text begins with the document, indented by four."""
    return (ZOO, document, 400, f"JSON Value: {json.dumps(json.loads(document), indent=4)} {answer}")


ROWS: dict[str, Any] = {
    "row, column": [
        good("", '{"instances": [1.0, 2.0, 5.0]}', '{"predictions":[2.5,3.0,4.5]}'),
        good("", '{"inputs": [1.0, 2.0, 5.0]}', '{"outputs":[2.5,3.0,4.5]}'),
        good("", '{"instances": [{"x": 1}, {"x": 3}]}', '{"predictions":[2.5,3.5]}'),
        good("", '{"inputs": {"x": [1, 3], "unknown": 7}}', '{"outputs":[2.5,3.5]}'),
        good("serving_default", '{"instances": [4]}', '{"predictions":[4.0]}'),
        good(
            "matrix",
            '{"instances": [[1, 2, 3], [4, 5, 6]]}',
            '{"predictions":[{"row_sum":6.0,"y":[2.0,3.0,4.0]},{"row_sum":15.0,"y":[5.0,6.0,7.0]}]}',
        ),
        good(
            "matrix",
            '{"inputs": [[1, 2], [4, 5]]}',
            '{"outputs":{"row_sum":[3.0,9.0],"y":[[2.0,3.0],[5.0,6.0]]}}',
        ),
        good("two_inputs", '{"instances": [{"a": 5, "b": 2}, {"b": 1, "a": 0.5}]}', '{"predictions":[3.0,-0.5]}'),
        good("two_inputs", '{"inputs": {"a": [5, 0.5], "b": [2, 1]}}', '{"outputs":[3.0,-0.5]}'),
        good("scalar", '{"inputs": 4}', '{"outputs":8.0}'),
        good("shout", '{"inputs": "a"}', '{"outputs":{"length":1,"raw_bytes":{"b64":"YQ=="},"upper":"A"}}'),
        (
            "POST /v1/models/half_plus_two:predict",
            '{"instances": [[2.0], [3.0]]}',
            200,
            '{"predictions":[[3.0],[3.5]]}',
        ),
        ("POST /v1/models/half_plus_three:predict", '{"instances": [2.0, 3.0]}', 200, '{"predictions":[4.0,4.5]}'),
        bad("", "{}", "Missing 'inputs' or 'instances' key"),
        bad_document(
            '{"instances": [1], "inputs": [1]}',
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ",
        ),
        bad_document('{"instances": 1}', "Excepting 'instances' to be an list/array"),
        bad_document('{"instances": []}', "No values in 'instances' array"),
        bad("", '{"inputs": {"y": [1]}}', "Missing named input: x in 'inputs' object."),
    ],
    "row objects": [
        bad(
            "two_inputs",
            '{"instances": [{"a": 1}]}',
            "Failed to process element: 0 of 'instances' list."
            ' JSON object: {\n    "a": 1\n} keys must be equal to: a,b',
        ),
        bad(
            "two_inputs",
            '{"instances": [{"a": 1, "b": 2, "c": 3}]}',
            "Failed to process element: 0 key: c of 'instances' list."
            " Error: INVALID_ARGUMENT: JSON object: does not have named input: c",
        ),
        bad(
            "two_inputs",
            '{"instances": [1]}',
            "instances is a plain list, but expecting list of objects as multiple input tensors required"
            " as per tensorinfo_map",
        ),
        bad(
            "two_inputs",
            '{"inputs": [1]}',
            "inputs is a plain value/list, but expecting an object as multiple input tensors required"
            " as per tensorinfo_map",
        ),
        bad("", '{"instances": [1, {"x": 1}]}', "Expecting value/list but got object at item 1 of input list"),
        bad("", '{"instances": [{"x": 1}, 1]}', "Expecting object but got list at item 1 of input list"),
    ],
    "ragged": [
        bad(
            "matrix",
            '{"instances": [[1,2],[3,4],[5,6,7]]}',
            "Failed to process element: 2 of 'instances' list."
            " Error: INVALID_ARGUMENT: Expecting tensor size: 2 but got: 3",
        ),
        bad(
            "",
            '{"instances": [1, [1]]}',
            "Failed to process element: 1 of 'instances' list."
            " Error: INVALID_ARGUMENT: Expecting shape [] but got: [1]",
        ),
        bad(
            "matrix",
            '{"inputs": [[1,2],3]}',
            "JSON Value: 3 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
        ),
        bad(
            "matrix",
            '{"inputs": [[1,2],[3]]}',
            "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
        ),
        bad("matrix", '{"inputs": [[1,[2]]]}', "Encountered list at unexpected level: 2 expected < 2"),
    ],
    "types": [
        good("kinds", json.dumps({"inputs": KINDS}), {"outputs": KINDS}),
        bad(
            "",
            '{"instances": ["x"]}',
            "Failed to process element: 0 of 'instances' list."
            ' Error: INVALID_ARGUMENT: JSON Value: "x" Type: String is not of expected type: float',
        ),
        bad("", '{"inputs": [true]}', "JSON Value: true Type: True is not of expected type: float"),
        bad("shout", '{"inputs": [null]}', "JSON Value: null Type: Null is not of expected type: string"),
        bad(
            "two_inputs",
            '{"inputs": {"a": [1], "b": [1.5]}}',
            "JSON Value: 1.5 Type: Number is not of expected type: int32",
        ),
        bad(
            "two_inputs",
            '{"inputs": {"a": [1], "b": [2147483648]}}',
            "JSON Value: 2147483648 Type: Number is not of expected type: int32",
        ),
        (ZOO, ask("half_floats", '{"inputs": [1]}'), 501, "Conversion of JSON Value: 1 to type: half"),
    ],
    "base64": [
        good(
            "shout",
            f'{{"instances": [{{"b64": "{HELLO}"}}, "wörld\\u0000!"]}}',
            f'{{"predictions":[{{"length":6,"raw_bytes":{{"b64":"{HELLO}"}},"upper":"HéLLO"}},'
            '{"length":8,"raw_bytes":{"b64":"d8O2cmxkACE="},"upper":"WöRLD\\u0000!"}]}',
        ),
        bad("shout", '{"inputs": [{"b64": "!!"}]}', "Unable to base64 decode"),
        bad(
            "shout",
            '{"inputs": [{"b64": "aGk=", "x": 1}]}',
            'JSON Value: {\n    "b64": "aGk=",\n    "x": 1\n} not formatted correctly for base64 data',
        ),
    ],
    "NaN, Inf": [
        good(
            "reciprocal",
            '{"instances": [NaN, 0.0, -0.0, Infinity, -Inf, 4]}',
            '{"predictions":[NaN,Infinity,-Infinity,0.0,-0.0,0.25]}',
        ),
        good("", '{"instances": [1e39, -1e39]}', '{"predictions":[Infinity,-Infinity]}'),
        good(
            "matrix",
            '{"inputs": [[1.5, NaN], [Infinity, 2.0]]}',
            '{"outputs":{"row_sum":[NaN,Infinity],"y":[[2.5,NaN],[Infinity,3.0]]}}',
        ),
    ],
    "floats out": [
        good("scalar", '{"inputs": 0.05}', '{"outputs":0.1}'),
        good("scalar", '{"inputs": 8388608}', '{"outputs":16777216.0}'),
        good("scalar", '{"inputs": 0.33333334}', '{"outputs":0.6666667}'),
    ],
    "parse errors": [
        bad("", "", "JSON Parse error: The document is empty"),
        bad("", "instances = [1]", "JSON Parse error: Invalid value. at offset: 0"),
        bad("", '{"instances": [1}', "JSON Parse error: Missing a comma or ] after an array element. at offset: 16"),
        bad("", "[1]", "JSON Value: [\n    1\n] Is not object"),
        good("", '{"instances": [1]} and so on', '{"predictions":[2.5]}'),
        good("", '{"instances": [1], "unknown": {}}', '{"predictions":[2.5]}'),
        bad_document('{"signature_name": 5}', "not formatted correctly. 'signature_name' key must be a string value."),
    ],
    "unknown signature": [
        bad("nope", '{"inputs": [1]}', 'Serving signature name: "nope" not found in signature def'),
        bad("__saved_model_init_op", '{"inputs": [1]}', "Failed to get input map for signature: __saved_model_init_op"),
    ],
    "output batch": [
        good("uneven", '{"inputs": [1, 2, 4]}', '{"outputs":{"all":[1.0,2.0,4.0],"tail":[2.0,4.0]}}'),
        good("uneven", '{"inputs": [1]}', '{"outputs":{"all":[1.0],"tail":[]}}'),
        good("total", '{"inputs": [1, 2, 4]}', '{"outputs":7.0}'),
        good("", '{"inputs": []}', '{"outputs":[]}'),
        bad("total", '{"instances": [1]}', "Tensor name: total has no shape information "),
        bad("uneven", '{"instances": [1, 2, 3]}', "Tensor name: tail has inconsistent batch size: 2 expecting: 3"),
    ],
}


@table(ROWS)
def test_predict(rest: Any, case: Case) -> None:
    check(rest, case)


def test_bytes_that_are_no_text_pass_through(rest: Any) -> None:
    body = b'{"signature_name": "shout", "instances": ["\xff\xfe!"]}'
    answer = rest("POST", "/v1/models/zoo:predict", body)
    assert answer.json["predictions"][0]["raw_bytes"] == {"b64": base64.b64encode(b"\xff\xfe!").decode()}


def test_a_failing_op_answers_with_its_own_text(rest: Any) -> None:
    answer = rest("POST", "/v1/models/zoo:predict", {"signature_name": "positive", "instances": [3, -1]})
    assert answer.status == 400
    assert "x must be positive" in answer.error


def test_debug_text_is_cut_at_256_bytes(rest: Any) -> None:
    answer = rest("POST", "/v1/models/zoo:predict", {"instances": [], "padding": "ü" * 1000})
    assert answer.status == 400
    shown = answer.error.removeprefix("JSON Value: ").removesuffix(" No values in 'instances' array")
    assert len(shown.encode()) in {255, 256}


def test_large_numbers_of_rows(rest: Any) -> None:
    rows = [float(number) for number in range(5000)]
    answer = rest("POST", "/v1/models/zoo:predict", {"instances": rows})
    assert answer.json["predictions"] == [row / 2 + 2 for row in rows]


ONE = b'{"instances": [1]}'
EMPTY = "JSON Parse error: The document is empty"


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        (gzip.compress(ONE), 200, '{"predictions":[2.5]}'),
        (gzip.compress(b'{"instances":') + gzip.compress(b" [1, 3]}"), 200, '{"predictions":[2.5,3.5]}'),
        (b"plain", 400, f'{{"error":"{EMPTY}"}}'),
        (gzip.compress(ONE + bytes(range(256)))[:-9], 400, f'{{"error":"{EMPTY}"}}'),
        (
            gzip.compress(b" " * (100 * 2**20 + 1), compresslevel=1),
            413,
            '{"error":"request body is larger than 104857600 bytes"}',
        ),
    ],
    ids=["one member", "two members", "no gzip", "cut short", "bomb"],
)
def test_gzip(rest: Any, body: bytes, status: int, answer: str) -> None:
    found = rest("POST", "/v1/models/zoo:predict", body, **{"content-encoding": "gzip"})
    assert (found.status, found.text) == (status, answer)
