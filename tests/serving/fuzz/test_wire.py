"""Broken HTTP: each connection comes to its end in time, with no answer that says it is the server's fault."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.serving.fuzz import wire
from tests.serving.fuzz.examples import examples
from tests.serving.fuzz.fuzzed import SECONDS, Fuzzed

pytestmark = pytest.mark.end_to_end

AT_ONCE = 25


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@examples(suite=20, long=500)
@given(many=st.lists(wire.BROKEN, min_size=AT_ONCE, max_size=AT_ONCE))
def test_broken_http(hurried: Fuzzed, many: list[wire.Sent]) -> None:
    server = hurried.server
    for sent, received in zip(many, wire.exchange_all(server.host, server.rest_port, many, SECONDS), strict=True):
        assert received.startswith(b"HTTP/1.1 ") or not received, (sent, received)
        assert all(status < 500 for status in wire.statuses(received)), (sent, received)
    hurried.probe_rest()
