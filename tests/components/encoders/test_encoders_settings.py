from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from components.encoders.settings import BagSettings, EncoderSettings, LstmSettings

encoder = TypeAdapter(EncoderSettings)


def test_the_type_chooses_the_encoder() -> None:
    assert encoder.validate_python({"type": "bag", "ngrams": [2, 3]}) == BagSettings(ngrams=(2, 3))
    assert encoder.validate_python({"type": "lstm", "units": 8}) == LstmSettings(units=8)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"type": "bert"}, ()),
        ({"type": "bag", "units": 8}, ("bag", "units")),
        ({"type": "bag", "ngrams": []}, ("bag", "ngrams")),
        ({"type": "bag", "ngrams": [3, 0]}, ("bag", "ngrams", 1)),
        ({"type": "bag", "dimensions": 4}, ("bag", "dimensions")),
        ({"type": "bag", "buckets": 1000}, ("bag", "buckets")),
        ({"type": "bag", "term_dropout": 1.0}, ("bag", "term_dropout")),
        ({"type": "bag", "weight_decay": -0.1}, ("bag", "weight_decay")),
        ({"type": "bag", "weight_decay": float("inf")}, ("bag", "weight_decay")),
        ({"type": "lstm", "max_tokens": 0}, ("lstm", "max_tokens")),
        ({"type": "lstm", "embedding": 0}, ("lstm", "embedding")),
    ],
)
def test_what_cannot_work_is_refused_by_key(settings: dict[str, Any], key: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as raised:
        encoder.validate_python(settings)
    assert raised.value.errors()[0]["loc"] == key


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        BagSettings().dimensions = 9
