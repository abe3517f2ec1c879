from typing import Any

import pytest
from pydantic import ValidationError

from components.tune.settings import Range, TuneSettings


def test_a_list_is_short_for_choices() -> None:
    assert Range.model_validate([10, None, {"a": 1}]) == Range(choices=[10, None, {"a": 1}])
    assert Range(choices=[3, 1]).tried == [3, 1]
    assert Range(min=1e-4, max=0.1, log=True).tried == [1e-4, 0.1]


def test_powers_that_yaml_takes_for_texts_are_numbers() -> None:
    assert Range.model_validate({"min": "1e-4", "max": 1}) == Range(min=1e-4, max=1)


@pytest.mark.parametrize(
    ("span", "says"),
    [
        ({}, "give min and max, or a list of values"),
        ({"min": 1}, "give min and max, or a list of values"),
        ({"min": 2, "max": 2}, "min 2 is not below max 2"),
        ({"min": 0, "max": 1, "log": True}, "log needs a min above 0, not 0"),
        ({"min": 1, "max": 8, "log": True, "step": 2}, "log takes no step"),
        ({"min": 1, "max": 8, "step": 0}, "greater than 0"),
        ({"choices": [1], "max": 2}, "choices stand alone"),
        ([], "at least 1 item"),
        ({"min": 1, "max": 2, "mean": 1}, "Extra inputs"),
    ],
)
def test_ranges_that_make_no_sense(span: Any, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Range.model_validate(span)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (["data.path"], "data.path cannot be tuned; what can are the keys below model and train"),
        (["train"], "train cannot be tuned"),
        (["seed"], "seed cannot be tuned"),
        (["model.loss.scale", "model.loss"], "model.loss.scale is a part of model.loss; give one of them"),
    ],
)
def test_keys_that_cannot_be_tuned(keys: list[str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        TuneSettings.model_validate({"ranges": {key: [1, 2] for key in keys}})


def test_keys_that_begin_alike_are_two() -> None:
    ranges = TuneSettings.model_validate({"ranges": {"model.a": [1], "model.ab": [2]}}).ranges
    assert list(ranges) == ["model.a", "model.ab"]
