"""Signatures that return more than ours, over both APIs, without a server."""

import json
from typing import Any

import numpy as np
import pytest

from serving import tensor_proto
from serving.client import Answer, Label, Neighbor, ServingError, TensorSpec, calls
from serving.client.calls import Call, Predict, Target
from serving.client.grpc_codec import GrpcCodec
from serving.client.rest_codec import OutputsChangedError, RestCodec
from serving.protos import PredictResponse

Outputs = dict[str, list[Any]]

LABELS: Outputs = {"labels": [["a", "b"]], "probabilities": [[0.75, 0.25]]}
CANDIDATES: Outputs = {"ids": [["1"]], "candidates": [["né"]], "scores": [[0.5]]}
NEIGHBORS: Outputs = {"ids": [["1"]], "labels": [["x"]], "scores": [[0.5]]}
MORE: Outputs = {"more": [7], "a": [[["deeper"]]]}


def by_grpc(call: Call[Any], outputs: Outputs) -> Any:
    answer = PredictResponse()
    for name, value in outputs.items():
        array = np.array(value)
        tensor_proto.fill(
            answer.outputs[name], array.astype({"f": np.float32, "i": np.int64, "U": object}[array.dtype.kind])
        )
    return call.read(GrpcCodec().decode(call.request, answer.SerializeToString()))


def by_rest(call: Call[Any], outputs: Outputs) -> Any:
    (first, *others) = outputs.values()
    answer = {"outputs": outputs if others else first}
    return call.read(RestCodec().decode(call.request, json.dumps(answer).encode()))


@pytest.mark.parametrize("answered", [by_grpc, by_rest])
@pytest.mark.parametrize("more", [{}, MORE], ids=["ours", "more"])
def test_other_outputs_are_passed_over(answered: Any, more: Outputs) -> None:
    assert answered(calls.classify("m", ["t"], {}), LABELS | more) == [[Label("a", 0.75), Label("b", 0.25)]]
    assert answered(calls.search("m", ["t"], {}), CANDIDATES | more) == [[Answer("1", "né", 0.5)]]
    assert answered(calls.neighbors("m", ["t"], {}), NEIGHBORS | more) == [[Neighbor("1", "x", 0.5)]]
    vectors = answered(calls.vectors("m", "question", ["t"], {}), {"vector": [[0.5, 2.0]]} | more)
    assert (vectors.dtype, vectors.tolist()) == (np.float32, [[0.5, 2.0]])


@pytest.mark.parametrize("answered", [by_grpc, by_rest])
def test_one_that_is_missing_is_an_error(answered: Any) -> None:
    with pytest.raises(ServingError, match="labels, probabilities"):
        answered(calls.classify("m", ["t"], {}), CANDIDATES | MORE)


@pytest.mark.parametrize(
    "outputs",
    [{"y": [1.0], "more": [2.0]}, {"y": [1.0]}, {"x": [1.0], "z": [2.0]}, {"y": [1.0], "z": [2.0], "more": [3.0]}],
)
def test_what_was_learnt_of_a_signature_must_be_all_it_returns(outputs: Outputs) -> None:
    """Else a new version's further outputs would not be seen."""
    spec = TensorSpec("float", (None,))
    for known in ({"y": spec}, {"y": spec, "z": spec}):
        request = Predict(Target("m", None, None), "s", {}, known)
        with pytest.raises(OutputsChangedError):
            RestCodec().decode(request, json.dumps({"outputs": outputs}).encode())
