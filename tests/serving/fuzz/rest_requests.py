"""REST requests that are right, and JSON documents that were right before a part of them became another."""

import copy
import json
from typing import Any, NamedTuple

from hypothesis import strategies as st


class Request(NamedTuple):
    """A path below /v1/models/ and a document that is answered with 200 there."""

    path: str
    document: Any


def predict(instances: Any, signature: str = "serving_default", model: str = "zoo") -> Request:
    return Request(f"{model}:predict", {"signature_name": signature, "instances": instances})


KINDS = {
    **{"bool": True, "float32": 1.5, "float64": 2.5, "int8": -3, "int16": 4, "int32": -5, "int64": 6},
    **{"uint8": 7, "uint32": 8, "uint64": 9},
}

RIGHT = [
    predict([1.0, 2, -3.5]),
    predict([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "matrix"),
    predict(["a", {"b64": "YWJj"}, "ü\u0000"], "shout"),
    predict([{"a": 1.5, "b": 2}, {"a": -1, "b": 0}], "two_inputs"),
    predict([1.0, 0.0, -0.0], "reciprocal"),
    predict([1, 2], "positive"),
    predict([{name: value for name, value in KINDS.items() if name != "float32"}], "kinds"),
    predict([10.0], model="adder/versions/2"),
    Request("zoo:predict", {"inputs": {"a": [1.0], "b": [2]}, "signature_name": "two_inputs"}),
    Request("zoo:predict", {"inputs": [[1.0, 2.0]], "signature_name": "matrix"}),
    Request("zoo:predict", {"inputs": 3.0, "signature_name": "scalar"}),
    Request("zoo:predict", {"inputs": [3.0, 4.0], "signature_name": "total"}),
    Request("zoo:predict", {"inputs": [3.0, 4.0], "signature_name": "uneven"}),
    Request(
        "half_plus_two:classify",
        {"signature_name": "classify_x_to_y", "context": {"x": 1.0}, "examples": [{"x": 2.0}, {}]},
    ),
    Request("half_plus_two:classify", {"signature_name": "classify_x_to_labels", "examples": [{"x": 2.0}]}),
    Request("half_plus_two:regress", {"signature_name": "regress_x_to_y", "examples": [{"x": [3.0]}, {"x": 1.0}]}),
    Request(
        "half_plus_three:classify",
        {
            "signature_name": "features",
            "examples": [{"bytes": ["ab", {"b64": "/wA="}], "numbers": [1, -2, 3, 9007199254740993]}],
        },
    ),
    Request("half_plus_three:regress", {"signature_name": "regress_x_to_y", "examples": [{"x": 1e3}]}),
]

_NAMES = st.sampled_from(["x", "a", "b", "text", "b64", "instances", "inputs", "examples", "context", "signature_name"])
_NUMBERS = (
    st.integers(-(2**65), 2**65) | st.floats() | st.sampled_from([0, -1, 2**31, -(2**31) - 1, 2**63, 2**64, 1e39])
)
_SIGNATURES = st.sampled_from(
    ["matrix", "shout", "kinds", "half_floats", "scalar", "uneven", "regress_x_to_y", "alien"]
)
_SCALARS = st.none() | st.booleans() | _NUMBERS | st.text(max_size=8) | _SIGNATURES
_VALUES = st.recursive(
    _SCALARS | st.builds(lambda text: {"b64": text}, st.text("AZaz09+/= \n-_", max_size=9)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES | st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@st.composite
def changed(draw: st.DrawFn) -> tuple[str, bytes]:
    """A path below /v1/models/ and a body of proper JSON (with NaN and Infinity) that is seldom a proper request."""
    path, original = draw(st.sampled_from(RIGHT))
    holder = [copy.deepcopy(original)]
    for _ in range(draw(st.integers(1, 3))):
        _change(draw, holder)
    if draw(st.integers(0, 4)) == 0:
        path = draw(st.sampled_from(RIGHT)).path
    depth = draw(st.just(0) | st.sampled_from([1, 64, 255, 256, 1023, 1024, 50_000]))
    return path, _nested(holder[0] if holder else None, depth)


def _change(draw: st.DrawFn, node: Any) -> None:
    """Somewhere below, an element is put in the place of another, added, or taken away."""
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    if keys:
        key = draw(st.sampled_from(keys))
        if isinstance(node[key], dict | list) and draw(st.integers(0, 3)):
            _change(draw, node[key])
        elif draw(st.integers(0, 3)):
            node[key] = draw(_VALUES)
        else:
            del node[key]
            if not node:
                return
    if draw(st.integers(0, 3)) == 0:
        if isinstance(node, dict):
            node[draw(_NAMES | st.text(max_size=4))] = draw(_VALUES)
        else:
            node.append(draw(_VALUES))


def _nested(document: Any, depth: int) -> bytes:
    body = json.dumps(document).encode()
    if depth:
        body = b'{"instances": %s}' % (b"[" * depth + body + b"]" * depth)
    return body
