"""gRPC messages of all kinds of wrong: an answer each, never the server's fault, and the next message is answered."""

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.serving.fuzz.examples import examples
from tests.serving.fuzz.fuzzed import Fuzzed
from tests.serving.fuzz.messages import RELOAD, Call, changed, right_calls
from tests.serving.fuzz.mutations import edited

pytestmark = pytest.mark.end_to_end

CALLS = right_calls()


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.method.path)
def test_what_is_mutated_was_right(fuzzed: Fuzzed, call: Call) -> None:
    assert fuzzed.call(call.method, call.request.SerializeToString())[:2] == (grpc.StatusCode.OK, "")


@examples(suite=400, long=20_000)
@given(data=st.data())
def test_bytes_of_messages(fuzzed: Fuzzed, data: st.DataObject) -> None:
    method, request = data.draw(st.sampled_from(CALLS))
    raw = data.draw(edited([request.SerializeToString()]) | st.binary(max_size=40))
    fuzzed.check_grpc(method, raw)


@examples(suite=400, long=20_000)
@given(call=changed(CALLS))
def test_fields_of_messages(fuzzed: Fuzzed, call: Call) -> None:
    fuzzed.check_grpc(call.method, call.request.SerializeToString())


@examples(suite=60, long=5_000)
@given(data=st.data())
def test_configurations(reloaded: Fuzzed, saved_models: object, data: st.DataObject) -> None:
    config = RELOAD.request()
    entry = config.config.model_config_list.config.add(name="half_plus_two", model_platform="tensorflow")
    entry.base_path = str(saved_models.half_plus_two)  # type: ignore[attr-defined]
    entry.model_version_policy.latest.num_versions = 1
    entry.version_labels["stable"] = 123
    right = config.SerializeToString()
    raw = data.draw(
        edited([right]) | changed([Call(RELOAD, config)]).map(lambda call: call.request.SerializeToString())
    )
    reloaded.check_answer(RELOAD, raw)
    assert reloaded.call(RELOAD, right)[:2] == (grpc.StatusCode.OK, "")
    reloaded.probe_grpc()
