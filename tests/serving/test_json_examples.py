"""JSON to tf.Examples: any document either becomes what TensorFlow reads back, or is refused in TF Serving's way."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from serving.server import json_examples, json_parse
from serving.server.errors import Code, StatusError
from serving.server.silent_tensorflow import example_pb2

NUMBERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(width=32, allow_nan=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.one_of(st.lists(NUMBERS, min_size=1), st.lists(FLOATS, min_size=1), st.lists(TEXTS, min_size=1))
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats() | TEXTS | st.just({"b64": "AA=="}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


def values(feature: Any) -> list[Any]:
    kind = feature.WhichOneof("kind")
    return list(getattr(feature, kind).value) if kind else []


@given(st.dictionaries(TEXTS, VALUES), st.lists(st.dictionaries(TEXTS, VALUES), min_size=1))
def test_features_arrive(context: dict[str, Any], examples: list[dict[str, Any]]) -> None:
    rows = json_examples.read(json_parse.parse(json.dumps({"context": context, "examples": examples}).encode()))
    for row, sent in zip(rows, examples, strict=True):
        found = example_pb2.Example.FromString(row).features.feature
        expected = {
            name: [value.encode() if isinstance(value, str) else value for value in content]
            for name, content in (context | sent).items()
        }
        assert {name: values(feature) for name, feature in found.items()} == expected


@given(st.dictionaries(st.sampled_from(["examples", "context", "signature_name", "x"]), ANY))
def test_anything_else_is_refused(document: dict[str, Any]) -> None:
    try:
        rows = json_examples.read(json_parse.parse(json.dumps(document).encode()))
    except StatusError as error:
        assert error.code is Code.INVALID_ARGUMENT  # noqa: PT017  (both ends are right)
    else:
        assert len(rows) == len(document["examples"])
