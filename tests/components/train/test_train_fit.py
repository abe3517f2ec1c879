"""Real fits on a toy task that no untrained encoder can do: the key word counts, however many others are shared."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import BagSettings, EncoderSettings, LstmSettings
from components.losses.settings import LossSettings, RankingSettings, TripletSettings
from components.tasks.match import MatchModel
from components.train.callbacks import RetrievalValidation
from components.train.fit import Fitted, fit_match
from components.train.settings import ModelSettings, TrainerSettings, TrainSettings

type Row = tuple[str, str, str, str]

ENCODERS: dict[str, tuple[EncoderSettings, float]] = {
    "bag": (BagSettings(dimensions=256, buckets=4096), 0.1),
    "lstm": (LstmSettings(embedding=24, units=24), 0.01),
}
FILLERS = {"bag": 10, "lstm": 1}
"""How many words beside the key: enough to lead an untrained encoder astray."""
EPOCHS = {"bag": 5, "lstm": 12}
LOSSES: dict[str, LossSettings] = {
    "ranking": RankingSettings(type="multiple_negatives_ranking"),
    "triplet": TripletSettings(type="cosine_triplet", margin=0.4),
}


@dataclass(frozen=True)
class Task:
    """Training rows, held-out questions with their answers, and a vocabulary."""

    rows: list[Row]
    questions: list[str]
    answers: list[str]
    vocabulary: Path

    @property
    def candidates(self) -> dict[str, str]:
        return {answer: row_id for row_id, _, answer, _ in self.rows}


@pytest.fixture(scope="module", params=ENCODERS)
def encoder(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def task(encoder: str, tmp_path_factory: pytest.TempPathFactory) -> Task:
    """24 answers by key word, three questions each to learn from and one held out, every one with other fillers."""
    draw = random.Random(6)
    keys = ["".join(draw.choices("abcdefghijklmnopqrst", k=3)) for _ in range(24)]
    fillers = ["".join(draw.choices("abcdefghijklmnopqrst", k=9)) for _ in range(16)]
    assert len(set(keys)) == 24

    def text(key: str) -> str:
        return " ".join([key, *draw.sample(fillers, FILLERS[encoder])])

    answers = [text(key) for key in keys]
    rows = [(str(at), text(key), answers[at], "") for _ in range(3) for at, key in enumerate(keys)]
    vocabulary = tmp_path_factory.mktemp("task") / "tokens"
    vocabulary.write_text("\n".join(keys + fillers), encoding="utf-8")
    return Task(rows, [text(key) for key in keys], answers, vocabulary)


@pytest.fixture
def fit(task: Task, encoder: str, write_examples: Callable[..., list[str]], tmp_path: Path) -> Callable[..., Fitted]:
    files = write_examples(tmp_path / "records", task.rows, task.vocabulary)
    settings, rate = ENCODERS[encoder]

    def run(loss: str, epochs: int, seed: int = 7, **train: Any) -> Fitted:
        return fit_match(
            TrainerSettings(
                task="match",
                model=ModelSettings(encoder=settings, loss=LOSSES[loss]),
                train=TrainSettings(epochs=epochs, **{"batch_size": 24, "learning_rate": rate} | train),
                seed=seed,
                candidates=5,
            ),
            train_files=files,
            validation=(task.questions, task.answers),
            candidates=task.candidates,
            vocabulary_file=str(task.vocabulary),
            log_dir=str(tmp_path / "log"),
        )

    return run


def validate(task: Task, model: MatchModel) -> dict[str, float]:
    validation = RetrievalValidation(task.questions, task.answers, task.candidates, 1)
    validation.set_model(model)
    return validation.evaluate()


@pytest.fixture(scope="module")
def start(task: Task, encoder: str) -> dict[str, float]:
    """How well the untrained model does."""
    keras.utils.set_random_seed(7)
    towers = ENCODERS[encoder][0].build(str(task.vocabulary))
    towers["answer"].adapt([tf.constant(list(task.candidates))])
    return validate(task, MatchModel(towers))


@pytest.mark.parametrize("loss", LOSSES)
def test_learns(task: Task, encoder: str, fit: Callable[..., Fitted], start: dict[str, float], loss: str) -> None:
    fitted = fit(loss, epochs=EPOCHS[encoder])
    losses = fitted.history["loss"]
    assert losses[-1] < 0.85 * losses[0]
    assert fitted.validation["val_recall@1"] > start["val_recall@1"] + 0.3
    assert fitted.validation["val_mrr"] > start["val_mrr"] + 0.2
    assert fitted.validation["val_mrr"] == max(fitted.history["val_mrr"])
    assert validate(task, fitted.model) == pytest.approx(fitted.validation)


def test_the_same_seed_gives_the_same_weights(fit: Callable[..., Fitted]) -> None:
    one, same = (fit("triplet", epochs=1) for _ in range(2))  # its negatives are drawn at random
    assert one.history == same.history
    for first, second in zip(one.model.get_weights(), same.model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_rate_that_spoils_the_model_leaves_the_untrained_one_and_a_record_of_it(
    task: Task, fit: Callable[..., Fitted], start: dict[str, float], tmp_path: Path
) -> None:
    fitted = fit("ranking", epochs=2, learning_rate=1e30)
    assert validate(task, fitted.model) == pytest.approx(start)
    record = json.loads(json.dumps(fitted.record()))
    assert record["parameters"] == sum(weight.size for weight in fitted.model.get_weights())
    assert record["best_epoch"] == fitted.best_epoch == 0
    assert record["validation"] == start
    assert {name: len(values) for name, values in record["history"].items()} == {
        "loss": 2,
        "val_recall@1": 2,
        "val_mrr": 2,
    }
    assert {folder.name for folder in (tmp_path / "log").iterdir()} == {"train", "validation"}
