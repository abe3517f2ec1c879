"""JSON as RapidJSON reads it."""

import itertools
import json
import math
import time
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from serving.server import json_parse
from serving.server.errors import Code, StatusError
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
    """Through our own parser: what neither orjson nor the standard library takes."""
    return parse(b'{"n": -NaN, "value": ' + body + b"} and more")["value"]


def lenient(body: bytes) -> Any:
    """Through the standard library: a bare NaN is what orjson refuses."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_parse, "_Parser", None)
        return parse(b'{"n": NaN, "value": ' + body + b"} and more")["value"]


@given(JSON)
def test_our_parser_agrees_with_the_standard_library(value: Any) -> None:
    for ascii_only in (True, False):
        for indent in (None, 2):
            text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
            assert slow(text.encode()) == json.loads(text)
            if "\\ud" not in text:
                assert lenient(text.encode()) == json.loads(text)


@given(JSON)
def test_our_parser_agrees_with_orjson(value: Any) -> None:
    body = json.dumps(value, allow_nan=False).encode() if _finite(value) else b"1"
    assert slow(body) == orjson.loads(body)
    if b"\\ud" not in body:
        assert lenient(body) == orjson.loads(body)


@given(st.text(alphabet='{}[]",:\\\\u0123456789abcdefnNtIiy.-+eE \n').map(str.encode) | st.binary())
@example(b'"\\ud800"')
@example(b"1.")
@example(b"1e400")
@example(b"18446744073709551616")
@example(b"-0")
@example(b'"\\u12G4"')
@example(b'"\x01"')
@example(b'"\xff\xed\xa0\x80"')
@example(b"\xff")
def test_whatever_the_standard_library_takes_our_parser_takes_alike(body: bytes) -> None:
    for document in (body, b"[" + body + b"]", b'[{"a": ' + body + b"}, NaN] more", b"\xef\xbb\xbf [" + body + b"]"):
        try:
            found = json_parse._parse_leniently(document)
        except ValueError:
            continue
        assert repr(found) == repr(json_parse._Parser(document).document())


WORDS = st.sampled_from(["NaN", "-Infinity", 'Infinity"', "\\NaN", '\\"Inf', "null", "\x7f", "ä", "😀", ", NaN]"])
LOOSE = st.recursive(
    st.floats() | st.integers(-(2**70), 2**70) | WORDS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.lists(LOOSE), st.booleans(), st.sampled_from(["", " ", "]", " NaN", "\x00"]))
def test_all_parsers_agree_on_what_is_not_finite_and_on_texts_that_say_so(
    value: Any, ascii_only: bool, more: str
) -> None:
    body = (json.dumps(value, ensure_ascii=ascii_only) + more).encode("utf-8", "surrogatepass")
    try:
        found = parse(body)
    except StatusError:
        with pytest.raises(StatusError):
            json_parse._Parser(body).document()
        return
    assert repr(found) == repr(json_parse._Parser(body).document())


@pytest.mark.parametrize(
    "ill",
    [
        lambda body: body.replace(b"0.5", b"NaN", 1),
        lambda body: body.replace(b"0.5", b"-Infinity", 1),
        lambda body: body.replace(b"text", b"t\xffxt", 1),
        lambda body: body + b"\0",
        lambda body: b"\xef\xbb\xbf" + body,
    ],
    ids=["NaN", "Infinity", "not UTF-8", "more after it", "byte order mark"],
)
def test_a_large_tensor_is_never_read_by_our_own_parser(ill: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"instances": [[0.5, 1, "text \\ ä"]] * 50_000}).encode()
    used: list[bytes] = []
    monkeypatch.setattr(json_parse, "_Parser", used.append)
    assert len(parse(ill(body))["instances"]) == 50_000
    assert not used


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


@pytest.mark.parametrize("body", [b"[" + b"1, " * 100, b'["' + b"\\n" * 100, b"{" + b'"a": {' * 100])
def test_what_takes_too_long_is_given_up_wherever_it_is(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    now = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    with pytest.raises(StatusError) as caught:
        json_parse.parse_thoroughly(body, until=90)
    assert caught.value.code is Code.DEADLINE_EXCEEDED
