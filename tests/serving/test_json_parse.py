"""JSON as RapidJSON reads it."""

import json
import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.server.errors import StatusError
from serving.server.json_parse import MAX_DEPTH, as_bytes, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def failure(body: bytes) -> str:
    with pytest.raises(StatusError) as caught:
        parse(body)
    return caught.value.message


def slow(body: bytes) -> Any:
    """Through our own parser: a bare NaN is what orjson refuses."""
    return parse(b'{"n": NaN, "value": ' + body + b"} and more")["value"]


@given(JSON)
def test_our_parser_agrees_with_the_standard_library(value: Any) -> None:
    for ascii_only in (True, False):
        for indent in (None, 2):
            text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
            assert slow(text.encode()) == json.loads(text)


@given(JSON)
def test_our_parser_agrees_with_orjson(value: Any) -> None:
    body = json.dumps(value, allow_nan=False).encode() if _finite(value) else b"1"
    assert slow(body) == orjson.loads(body)


def _finite(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_finite, value))
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    return not isinstance(value, float) or math.isfinite(value)


@given(st.binary() | st.text(alphabet='{}[]",:\\u0123456789abcdefnNtIiy.-+eE \n').map(str.encode))
def test_anything_is_parsed_or_refused(body: bytes) -> None:
    message = ""
    try:
        parse(body)
    except StatusError as error:
        message = error.message
    assert message == "" or message.startswith("JSON Parse error: ")


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"[Infinity, Inf, -Infinity, -Inf]", [math.inf, math.inf, -math.inf, -math.inf]),
        (b'{"a": 1} trailing', {"a": 1}),
        (b"01", 0),
        (b"[18446744073709551615, 18446744073709551616, NaN][:2]", [2**64 - 1, float(2**64)]),
        (b'\xef\xbb\xbf{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
    ],
)
def test_what_only_rapidjson_takes(body: bytes, value: Any) -> None:
    found = parse(body)
    assert (found[:-1] if body.endswith(b"[:2]") else found) == value


def test_nan() -> None:
    assert all(math.isnan(value) for value in parse(b"[NaN, -NaN]"))


def test_bytes_that_are_not_utf8_survive() -> None:
    assert as_bytes(parse(b'"a\xff\xc3\xa9\\n"')) == b"a\xff\xc3\xa9\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The document is empty"),
        (b" \n", "The document is empty. at offset: 2"),
        (b"instances", "Invalid value. at offset: 0"),
        (b"[nulx]", "Invalid value. at offset: 4"),
        (b"[-x]", "Invalid value. at offset: 2"),
        (b"[1,]", "Invalid value. at offset: 3"),
        (b"{a}", "Missing a name for object member. at offset: 1"),
        (b'{"a" 1}', "Missing a colon after a name of object member. at offset: 5"),
        (b'{"a": 1', "Missing a comma or } after an object member. at offset: 7"),
        (b"[1 2]", "Missing a comma or ] after an array element. at offset: 3"),
        (b'["\\u12G4"]', "Incorrect hex digit after \\u escape in string. at offset: 2"),
        (b'["\\ud800"]', "The surrogate pair in string is invalid. at offset: 2"),
        (b'["\\ud800\\u0041"]', "The surrogate pair in string is invalid. at offset: 2"),
        (b'["\\x"]', "Invalid escape character in string. at offset: 2"),
        (b'["abc', "Missing a closing quotation mark in string. at offset: 5"),
        (b'["\x01"]', "Invalid encoding in string. at offset: 2"),
        (b"[1e400]", "Number too big to be stored in double. at offset: 1"),
        (b"[" + b"9" * 400 + b"]", "Number too big to be stored in double. at offset: 1"),
        (b"[1.]", "Miss fraction part in number. at offset: 3"),
        (b"[1e+]", "Miss exponent in number. at offset: 4"),
        (b"[" * 100_000, f"Nesting deeper than {MAX_DEPTH} levels. at offset: {MAX_DEPTH}"),
    ],
)
def test_errors_have_rapidjsons_text_and_offset(body: bytes, message: str) -> None:
    assert failure(body) == f"JSON Parse error: {message}"
