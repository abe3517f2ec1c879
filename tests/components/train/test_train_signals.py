"""What a batch is made of with each signal, and that real fits learn with all of them."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import BagSettings, CnnSettings, EncoderSettings, LenetSettings, LstmSettings
from components.parts import Modality, Side
from components.tasks.match import key
from components.tasks.settings import MatchSettings
from components.train import match as module
from components.train.candidates import Candidates
from components.train.data import training_batches
from components.train.files import Files
from components.train.hard_negatives import HardNegatives
from components.train.match import fit_match
from components.train.settings import MatchTrainer, MatchTrainSettings
from tests.components.corpus import ROWS, pair_records, write_records

BAG = BagSettings(dimensions=64, buckets=4096, ngrams=(3,), term_dropout=0)
LSTM = LstmSettings(embedding=6, units=5, max_tokens=40)
TEXTS: dict[str, Modality] = {"question": "text", "answer": "text"}


@pytest.fixture
def files(tmp_path: Path, vocabulary_file: Path) -> Files:
    """Eight rows to learn from, of which two have the same answer, and two held out."""
    train, validation = (
        write_records(tmp_path / name, pair_records(rows, vocabulary_file))
        for name, rows in (("train", ROWS[:8]), ("validation", ROWS[8:]))
    )
    return Files(train=train, validation=validation, test=[], vocabulary=str(vocabulary_file), labels="")


def trainer(encoder: EncoderSettings = BAG, **train: Any) -> MatchTrainer:
    pace = MatchTrainSettings.model_validate({"epochs": 1, "batch_size": 8} | train)
    return MatchTrainer(inputs=TEXTS, model=MatchSettings(encoder=encoder), train=pace, seed=2, candidates=1)


@pytest.fixture
def batches(files: Files, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """The first batches, with raw texts in the place of features, that a fit of these settings would learn from."""

    def make(count: int, **train: Any) -> list[Any]:
        made: list[Any] = []

        def noted(*arguments: Any, **more: Any) -> Any:
            made.append((arguments, more))
            return training_batches(*arguments, **more)

        monkeypatch.setattr(module, "training_batches", noted)
        monkeypatch.setattr(module, "fit", lambda *_, **__: None)
        fit_match(trainer(**train), files, Candidates(files.all), progress=False)
        ((arguments, more),) = made
        for tower in arguments[1].values():
            monkeypatch.setattr(tower, "featurize", tf.identity)
        dataset, steps = training_batches(*arguments, **more)
        found = [(features, labels.numpy()) for features, labels in dataset.take(count)]
        return [steps, *found]

    return make


def texts(features: Mapping[str, tf.Tensor], side: str) -> list[str]:
    return [text.decode() for text in features[side].numpy().tolist()]


PAIRS = {(row[1], row[2]) for row in ROWS[:8]}
ANSWERS = {row[2] for row in ROWS}


def test_half_of_a_batch_is_made_of_candidates(batches: Callable[..., Any]) -> None:
    steps, *found = batches(6, inverse_cloze={})
    assert steps == 2
    seen: set[str] = set()
    for features, labels in found:
        pairs = list(zip(texts(features, "question"), texts(features, "answer"), strict=True))
        assert len(pairs) == 8
        assert set(pairs[:4]) <= PAIRS
        assert all(question.strip() in answer for question, answer in pairs[4:])
        same = np.array([[answer == other for _, other in pairs] for _, answer in pairs])
        np.testing.assert_array_equal(labels, same)
        seen |= {answer for _, answer in pairs[4:]}
    assert seen == ANSWERS, "those of the held-out rows, too"


def test_hard_negatives_are_further_columns(batches: Callable[..., Any]) -> None:
    _, *found = batches(2, hard_negatives={"each": 2}, inverse_cloze={"share": 0.25})
    for features, labels in found:
        answers = texts(features, "answer")
        assert len(texts(features, "question")) == 8
        assert len(answers) == 8 + 6 * 2
        assert set(answers) <= ANSWERS
        same = np.array([[answer == other for other in answers] for answer in answers[:8]])
        np.testing.assert_array_equal(labels, same)


def test_what_is_dropped_leaves_labels_and_keys_alone(batches: Callable[..., Any]) -> None:
    _, (features, labels), (later, _) = batches(2, word_dropout=0.5, span_dropout=0.3, memory=4)
    whole = {side: {row[column] for row in ROWS[:8]} for side, column in (("question", 1), ("answer", 2))}
    assert not set(texts(features, "answer")) <= whole["answer"]
    assert sorted(texts(features, "answer")) != sorted(texts(later, "answer"))
    for side, known in whole.items():
        assert set(features["keys"][side].numpy()) == set(key(tf.constant(sorted(known))).numpy())
    assert labels.sum() == 10, "two of the eight rows share an answer"


def test_batches_follow_from_the_seed(batches: Callable[..., Any]) -> None:
    signals = {"inverse_cloze": {"unit": "span"}, "hard_negatives": {}, "word_dropout": 0.3}
    one, same = (batches(3, **signals)[1:] for _ in range(2))
    for (first, _), (second, _) in zip(one, same, strict=True):
        assert texts(first, "question") == texts(second, "question")
        assert texts(first, "answer") == texts(second, "answer")


def test_hard_negatives_are_those_mined_for_the_epoch(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    mine, draw = HardNegatives.on_epoch_begin, HardNegatives.draw

    def noted_mine(self: HardNegatives, epoch: int, logs: Any = None) -> None:
        time.sleep(0.2)  # for what would read ahead
        events.append("mine")
        mine(self, epoch, logs)

    def noted_draw(self: HardNegatives, pairs: dict[str, tf.Tensor], step: tf.Tensor) -> tf.Tensor:
        with tf.control_dependencies([tf.py_function(lambda: events.append("draw"), [], [])]):
            return draw(self, pairs, step)

    monkeypatch.setattr(HardNegatives, "on_epoch_begin", noted_mine)
    monkeypatch.setattr(HardNegatives, "draw", noted_draw)
    settings = trainer(epochs=3, patience=3, batch_size=4, hard_negatives={})
    fit_match(settings, files, Candidates(files.all), progress=False)
    assert events == 3 * ["mine", "draw", "draw"]


@pytest.mark.parametrize("encoder", [BAG, LSTM], ids=["bag", "lstm"])
def test_every_encoder_learns_with_all_signals(files: Files, encoder: EncoderSettings) -> None:
    signals = {
        "inverse_cloze": {},
        "word_dropout": 0.1,
        "span_dropout": 0.1,
        "hard_negatives": {"margin": -0.5},
        "memory": 5,
        "micro_batch": 3,
    }
    settings = trainer(encoder, epochs=4, patience=4, learning_rate=0.03, **signals)
    one, same = (fit_match(settings, files, Candidates(files.all), progress=False) for _ in range(2))
    losses = one.history["loss"]
    assert len(losses) == 4
    assert losses[-1] < losses[0]
    assert losses == same.history["loss"]


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ({"hard_negatives": {}, "distribute": "mirrored"}, "hard_negatives does not work with distribute: mirrored"),
        ({"memory": 9, "distribute": "mirrored"}, "memory does not work with distribute: mirrored"),
        ({"micro_batch": 9, "distribute": "mirrored"}, "micro_batch does not work with distribute: mirrored"),
        ({"inverse_cloze": {"share": 1.0}}, "less than 1"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(train: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MatchTrainSettings.model_validate(train)


@pytest.mark.parametrize(
    ("train", "pictures", "message"),
    [
        (
            {"inverse_cloze": {}},
            ["answer"],
            "inverse_cloze makes questions of pieces of texts, but answer is a picture",
        ),
        ({"word_dropout": 0.1}, ["question", "answer"], "are for texts, but question and answer are pictures"),
        ({"micro_batch": 4}, ["question"], "micro_batch does not work with cnn, which normalises by the whole batch"),
    ],
)
def test_signals_that_do_not_suit_the_inputs_are_refused(
    train: dict[str, Any], pictures: list[Side], message: str
) -> None:
    settings = MatchTrainSettings.model_validate(train)
    texts: dict[Side, EncoderSettings] = {"question": BAG, "answer": BAG}
    settings.check(texts)
    with pytest.raises(ValueError, match=message):
        settings.check(texts | dict.fromkeys(pictures, CnnSettings()))


def test_micro_batches_are_for_pictures_too_where_each_is_encoded_by_itself() -> None:
    MatchTrainSettings(micro_batch=4).check({"question": LenetSettings(), "answer": BAG})
