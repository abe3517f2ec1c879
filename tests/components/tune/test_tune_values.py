from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from components.encoders.settings import BagSettings
from components.losses.settings import RankingSettings, TripletSettings
from components.tasks.settings import MatchSettings
from components.train.settings import MatchTrainer, MatchTrainSettings, parse_settings
from components.tune.settings import Range
from components.tune.values import given, is_whole, rounded, with_values

SETTINGS = MatchTrainer(
    inputs={"question": "text", "answer": "text"},
    model=MatchSettings(encoder=BagSettings(buckets=4096)),
    train=MatchTrainSettings(epochs=3),
    seed=7,
    candidates=4,
)


def test_values_replace_those_of_the_config_and_leave_the_rest() -> None:
    tuned = with_values(SETTINGS, {"train.learning_rate": 0.5, "model.encoder.dimensions": 64})
    assert tuned.train == MatchTrainSettings(epochs=3, learning_rate=0.5)
    assert isinstance(tuned, MatchTrainer)
    assert tuned.model.encoder == BagSettings(buckets=4096, dimensions=64)
    assert (tuned.seed, tuned.candidates, tuned.inputs) == (7, 4, SETTINGS.inputs)


def test_another_loss_does_not_inherit_defaults_of_the_one_before() -> None:
    tuned = with_values(SETTINGS, {"model.loss.type": "cosine_triplet", "model.loss.margin": 0.3})
    assert tuned.model.loss == TripletSettings(type="cosine_triplet", margin=0.3)
    whole = with_values(SETTINGS, {"model.loss": {"type": "multiple_negatives_ranking", "scale": 5}})
    assert whole.model.loss == RankingSettings(type="multiple_negatives_ranking", scale=5.0)


def test_what_was_given_survives_the_way_to_the_step() -> None:
    import json

    assert given(parse_settings(json.dumps(given(SETTINGS)))) == given(SETTINGS)
    assert "patience" not in given(SETTINGS)["train"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"train.learning_rat": 0.1}, "train.learning_rat\n"),
        ({"train.learning_rate": -1.0}, "greater than 0"),
        ({"model.encoder.buckets.x": 1}, "buckets is 4096, not a group of keys"),
        ({"model.encoder": {"type": "cnn"}}, "encoder is cnn, which reads pictures, but question is a text"),
    ],
)
def test_values_that_are_refused(values: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        with_values(SETTINGS, values)


def test_the_key_says_whether_numbers_are_whole() -> None:
    assert is_whole(SETTINGS, "model.encoder.dimensions", Range(min=64, max=128))
    assert not is_whole(SETTINGS, "model.encoder.term_dropout", Range(min=0, max=0.5))
    assert not is_whole(SETTINGS, "train.learning_rate", Range(min=1, max=2))
    with pytest.raises(ValueError, match=r"whole numbers, so step cannot be 0\.5"):
        is_whole(SETTINGS, "train.epochs", Range(min=1, max=2, step=0.5))


@examples(
    st.floats(-1e6, 1e6).filter(lambda end: abs(end) > 1e-9), st.floats(1e-6, 1e6), st.floats(0, 1, exclude_max=True)
)
def test_rounding_stays_near_and_inside(low: float, width: float, where: float) -> None:
    span = Range(min=low, max=low + width)
    assert span.min is not None
    assert span.max is not None
    value = span.min + where * (span.max - span.min)
    short = rounded(value, span)
    assert span.min <= short <= span.max
    assert short == pytest.approx(value, rel=1e-3)


def test_rounding_is_to_four_digits() -> None:
    wide = Range(min=0, max=10)
    assert [rounded(value, wide) for value in (0.0123456, 0.0, 3.14159265, 0.1 + 0.2)] == [0.01235, 0.0, 3.142, 0.3]
    assert rounded(0.999999, Range(min=0, max=0.999999)) == 0.999999
