"""REST requests of all kinds of wrong: an answer each, never the server's fault, and the next request is answered."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.serving.fuzz import rest_requests
from tests.serving.fuzz.examples import examples
from tests.serving.fuzz.fuzzed import Fuzzed
from tests.serving.fuzz.mutations import edited

pytestmark = pytest.mark.end_to_end

BODIES = [json.dumps(right.document, ensure_ascii=False).encode() for right in rest_requests.RIGHT]
PATHS = st.sampled_from([right.path for right in rest_requests.RIGHT])
VISIBLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)


@pytest.mark.parametrize("right", rest_requests.RIGHT, ids=lambda right: right.path)
def test_what_is_mutated_was_right(fuzzed: Fuzzed, right: rest_requests.Request) -> None:
    body = json.dumps(right.document).encode()
    assert fuzzed.ask("POST", f"/v1/models/{right.path}", body, {})[0] == 200


@examples(suite=400, long=25_000)
@given(path=PATHS, body=edited(BODIES) | st.binary(max_size=40))
def test_bytes_of_bodies(fuzzed: Fuzzed, path: str, body: bytes) -> None:
    fuzzed.check_rest("POST", f"/v1/models/{path}", body)


@examples(suite=400, long=25_000)
@given(request=rest_requests.changed())
def test_values_in_bodies(fuzzed: Fuzzed, request: tuple[str, bytes]) -> None:
    path, body = request
    fuzzed.check_rest("POST", f"/v1/models/{path}", body)


@examples(suite=100, long=5_000)
@given(path=PATHS, body=edited([gzip.compress(body, mtime=0) for body in BODIES]))
def test_broken_gzip(fuzzed: Fuzzed, path: str, body: bytes) -> None:
    fuzzed.check_rest("POST", f"/v1/models/{path}", body, content_encoding="gzip")


@examples(suite=200, long=5_000)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"]),
    path=st.builds("/v1/models/{}{}".format, PATHS, VISIBLE) | st.builds("/v1/{}".format, VISIBLE),
    name=st.sampled_from(
        ["content-type", "content-encoding", "accept", "origin", "x-request-id", "authorization", "range", "cookie"]
    ),
    value=VISIBLE | st.text(st.characters(min_codepoint=160, max_codepoint=255), max_size=10),
)
def test_methods_paths_and_headers(fuzzed: Fuzzed, method: str, path: str, name: str, value: str) -> None:
    fuzzed.check_rest(method, path, b'{"instances": [1.0]}', **{name: value})
