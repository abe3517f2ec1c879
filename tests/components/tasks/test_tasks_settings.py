"""Which encoder reads what, and what does not fit together."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from components.encoders.settings import BagSettings, CnnSettings, EmbeddingBagSettings, LenetSettings, LstmSettings
from components.parts import Modality
from components.tasks.settings import ClassifySettings, MatchSettings

TEXTS: Mapping[str, Modality] = {"question": "text", "answer": "text"}
PICTURES: Mapping[str, Modality] = {"question": "image", "answer": "image"}
PICTURE_TO_TEXT: Mapping[str, Modality] = {"question": "image", "answer": "text"}
TEXT_TO_PICTURE: Mapping[str, Modality] = {"question": "text", "answer": "image"}

BAG, CNN = BagSettings(dimensions=64), CnnSettings(dimensions=64, size=(8, 8), filters=(2,))


@pytest.mark.parametrize(
    ("settings", "inputs", "question", "answer"),
    [
        (MatchSettings(), TEXTS, BagSettings(), BagSettings()),
        (MatchSettings(), PICTURES, CnnSettings(), CnnSettings()),
        (MatchSettings(encoder=LstmSettings(units=3)), TEXTS, LstmSettings(units=3), LstmSettings(units=3)),
        (MatchSettings(encoder=LenetSettings()), PICTURES, LenetSettings(), LenetSettings()),
        (MatchSettings(question_encoder=CNN, answer_encoder=BAG), PICTURE_TO_TEXT, CNN, BAG),
        (MatchSettings(question_encoder=BAG, answer_encoder=CNN), TEXT_TO_PICTURE, BAG, CNN),
        (MatchSettings(question_encoder=BAG, answer_encoder=BAG), TEXTS, BAG, BAG),
    ],
)
def test_each_side_has_its_encoder(
    settings: MatchSettings, inputs: Mapping[str, Modality], question: object, answer: object
) -> None:
    assert settings.encoders(inputs) == {"question": question, "answer": answer}


def test_sizes_are_the_whole_and_each_nested_one_largest_first() -> None:
    assert MatchSettings(encoder=BAG).sizes(TEXTS) == ()
    assert MatchSettings(encoder=BAG, nested_dimensions=(8, 32, 8)).sizes(TEXTS) == (64, 32, 8)
    with pytest.raises(ValueError, match="nested_dimensions has 64; vectors have 64 numbers, it must be less"):
        MatchSettings(encoder=BAG, nested_dimensions=(8, 64)).sizes(TEXTS)
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        MatchSettings(nested_dimensions=(0,))


@pytest.mark.parametrize(
    ("settings", "inputs", "sentence"),
    [
        (MatchSettings(), PICTURE_TO_TEXT, "question and answer differ in kind; give question_encoder and answer_enc"),
        (
            MatchSettings(question_encoder=BAG),
            TEXTS,
            "give either encoder, or both question_encoder and answer_encoder",
        ),
        (MatchSettings(answer_encoder=BAG), TEXTS, "give either encoder, or both question_encoder and answer_encoder"),
        (
            MatchSettings(encoder=BAG, question_encoder=BAG, answer_encoder=BAG),
            TEXTS,
            "give either encoder, or both question_encoder and answer_encoder",
        ),
        (
            MatchSettings(question_encoder=BAG, answer_encoder=LstmSettings(units=32)),
            TEXTS,
            "question_encoder makes vectors of 64 numbers and answer_encoder of 32; they must be the same",
        ),
        (MatchSettings(encoder=BAG), PICTURES, "encoder is bag, which reads texts, but question is a picture"),
        (MatchSettings(encoder=BAG), TEXT_TO_PICTURE, "encoder is bag, which reads texts, but answer is a picture"),
        (MatchSettings(encoder=CNN), TEXTS, "encoder is cnn, which reads pictures, but question is a text"),
        (
            MatchSettings(question_encoder=BAG, answer_encoder=CNN),
            PICTURE_TO_TEXT,
            "question_encoder is bag, which reads texts, but question is a picture",
        ),
        (
            MatchSettings(question_encoder=CNN, answer_encoder=CNN),
            PICTURE_TO_TEXT,
            "answer_encoder is cnn, which reads pictures, but answer is a text",
        ),
    ],
)
def test_what_does_not_fit_is_said(settings: MatchSettings, inputs: Mapping[str, Modality], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        settings.encoders(inputs)


def test_one_encoder_is_shared_and_two_are_not(vocabulary_file: Path) -> None:
    (shared,) = MatchSettings(encoder=LstmSettings(units=3)).build(TEXTS, str(vocabulary_file))
    assert list(shared) == ["question", "answer"]
    apart = MatchSettings(question_encoder=LstmSettings(units=3), answer_encoder=LstmSettings(units=3))
    groups = apart.build(TEXTS, str(vocabulary_file))
    assert [list(group) for group in groups] == [["question"], ["answer"]]
    crossing = MatchSettings(question_encoder=CNN, answer_encoder=BAG).build(PICTURE_TO_TEXT, "")
    assert [type(tower).__name__ for group in crossing for tower in group.values()] == ["CnnTower", "BagTower"]


def test_classifiers_have_defaults_by_what_they_read() -> None:
    assert ClassifySettings().encoders({"text": "text"}) == {"text": EmbeddingBagSettings()}
    assert ClassifySettings().encoders({"image": "image"}) == {"image": CnnSettings()}
    assert ClassifySettings(encoder=BAG).encoders({"text": "text"}) == {"text": BAG}
    with pytest.raises(ValueError, match="encoder is bag, which reads texts, but the input is a picture"):
        ClassifySettings(encoder=BAG).encoders({"image": "image"})


@pytest.mark.parametrize(
    ("settings", "loss"),
    [(MatchSettings, "softmax"), (MatchSettings, "center"), (ClassifySettings, "cosine_triplet")],
)
def test_losses_are_those_of_the_task(settings: Any, loss: str) -> None:
    with pytest.raises(ValidationError, match=f"'{loss}'"):
        settings.model_validate({"loss": {"type": loss}})
