from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from components.encoders.settings import (
    BagSettings,
    CnnSettings,
    EmbeddingBagSettings,
    EncoderSettings,
    LenetSettings,
    LstmSettings,
    Settings,
)
from components.pictures.settings import Augmentation

encoder = TypeAdapter(EncoderSettings)


def test_the_type_chooses_the_encoder() -> None:
    assert encoder.validate_python({"type": "bag", "ngrams": [2, 3]}) == BagSettings(ngrams=(2, 3))
    assert encoder.validate_python({"type": "lstm", "units": 8}) == LstmSettings(units=8)
    assert encoder.validate_python({"type": "embedding_bag"}) == EmbeddingBagSettings()
    assert encoder.validate_python({"type": "lenet", "size": [28, 20]}) == LenetSettings(size=(28, 20))
    cnn = {"type": "cnn", "filters": [8], "augmentation": {"flip": True}}
    assert encoder.validate_python(cnn) == CnnSettings(filters=(8,), augmentation=Augmentation(flip=True))


@pytest.mark.parametrize(
    ("settings", "modality", "size"),
    [
        (BagSettings(dimensions=9), "text", 9),
        (EmbeddingBagSettings(dimensions=8), "text", 8),
        (LstmSettings(units=7), "text", 7),
        (CnnSettings(dimensions=6), "image", 6),
        (LenetSettings(dimensions=5), "image", 5),
    ],
)
def test_each_tells_what_it_reads_and_how_large_its_vectors_are(settings: Settings, modality: str, size: int) -> None:
    assert settings.modality == modality
    assert settings.vector_size == size
    assert 0 < settings.learning_rate < 0.1


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
        ({"type": "embedding_bag", "word_dropout": 1}, ("embedding_bag", "word_dropout")),
        ({"type": "embedding_bag", "buckets": 100}, ("embedding_bag", "buckets")),
        ({"type": "cnn", "filters": []}, ("cnn", "filters")),
        ({"type": "cnn", "filters": [8, 0]}, ("cnn", "filters", 1)),
        ({"type": "cnn", "size": [8]}, ("cnn", "size", 1)),
        ({"type": "cnn", "size": [8, 3]}, ("cnn", "size", 1)),
        ({"type": "cnn", "channels": 2}, ("cnn", "channels")),
        ({"type": "cnn", "dropout": 1.0}, ("cnn", "dropout")),
        ({"type": "cnn", "augmentation": {"crop": 0.6}}, ("cnn", "augmentation", "crop")),
        ({"type": "lenet", "filters": [8]}, ("lenet", "filters")),
        ({"type": "lenet", "dimensions": 1}, ("lenet", "dimensions")),
    ],
)
def test_what_cannot_work_is_refused_by_key(settings: dict[str, Any], key: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as raised:
        encoder.validate_python(settings)
    assert raised.value.errors()[0]["loc"] == key


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        BagSettings().dimensions = 9
