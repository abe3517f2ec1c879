import string
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.yaml_edit import edit

TEXT = """\
# on top
name: faq   # the name

model:
  encoder: {type: bag, dimensions: 64}  # small
  loss:
    type: cosine_triplet  # old
    margin: 0.1

    # between
train: {}
gates:
  mrr: {min: 0.2}  # last
"""


def test_comments_and_order_stay() -> None:
    values = {
        "model.encoder.dimensions": 128,
        "model.encoder.term_dropout": 0.1,
        "model.loss.margin": 1e-05,
        "train.learning_rate": 0.01,
        "tune.trials": 3,
        "gates.mrr.max_drop": 0.5,
    }
    assert (
        edit(TEXT, values)
        == """\
# on top
name: faq   # the name

model:
  encoder: {type: bag, dimensions: 128, term_dropout: 0.1}  # small
  loss:
    type: cosine_triplet  # old
    margin: 1.0e-05

    # between
train: {learning_rate: 0.01}
gates:
  mrr: {min: 0.2, max_drop: 0.5}  # last
tune: {trials: 3}
"""
    )


def test_a_whole_group_is_replaced() -> None:
    edited = edit(TEXT, {"model.loss": {"type": "multiple_negatives_ranking", "scale": 5}})
    assert "  loss:\n    {type: multiple_negatives_ranking, scale: 5}\n\n    # between\ntrain" in edited


def test_groups_that_are_not_there_are_made() -> None:
    assert edit("name: faq", {"model.loss.scale": 5}) == "name: faq\nmodel: {loss: {scale: 5}}"
    assert edit("", {"a.b": None}) == "a: {b: null}\n"


def test_an_alias_costs_the_comments_and_nothing_else() -> None:
    text = "a: &x {b: 1}  # note\nc: *x\n"
    assert yaml.safe_load(edit(text, {"c.b": 2})) == {"a": {"b": 2}, "c": {"b": 2}}


def test_what_is_no_group_is_named() -> None:
    with pytest.raises(ValueError, match="name is 'faq', not a group of keys"):
        edit(TEXT, {"name.x": 1})


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(string.printable[:-5], max_size=9)
)
KEYS = st.sampled_from("abc")
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner), max_leaves=6)


@given(
    raw=st.dictionaries(KEYS, TREES, min_size=1),
    path=st.lists(KEYS, min_size=1, max_size=3),
    value=TREES,
    flow=st.sampled_from([None, True, False]),
)
def test_it_is_what_setting_the_key_would_give(
    raw: dict[str, Any], path: list[str], value: Any, flow: bool | None
) -> None:
    text = yaml.safe_dump(raw, default_flow_style=flow, sort_keys=False)
    node, wanted = yaml.safe_load(text), None
    wanted = node
    for part in path[:-1]:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            with pytest.raises(ValueError, match="not a group of keys"):
                edit(text, {".".join(path): value})
            return
    node[path[-1]] = value
    assert yaml.safe_load(edit(text, {".".join(path): value})) == wanted
