from collections.abc import Sequence
from typing import Any, get_args

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import Side
from components.tasks.match import MatchModel
from components.train import callbacks, encoding
from components.train.callbacks import KeepBest, RetrievalValidation
from components.train.encoding import Encoder

type Row = tuple[str, str, str, str]


@pytest.fixture
def validation(model: MatchModel, rows: list[Row]) -> RetrievalValidation:
    made = RetrievalValidation([row[1] for row in rows], [row[2] for row in rows], {row[2]: "" for row in rows}, seed=1)
    made.set_model(model)
    return made


def test_figures_are_those_of_a_naive_ranking(
    validation: RetrievalValidation, model: MatchModel, rows: list[Row]
) -> None:
    texts = sorted({row[2] for row in rows})
    vectors = dict(zip(texts, model.encode("answer", tf.constant(texts)).numpy(), strict=True))
    ranks = []
    for _, question, answer, _ in rows:
        vector = model.encode("question", tf.constant([question])).numpy()[0]
        scores = {text: float(vector @ vectors[text]) for text in texts}
        ranks.append(sum(scores[text] > scores[answer] - 1e-6 for text in texts))
    assert 0 < sum(rank == 1 for rank in ranks) < len(ranks)
    assert validation.evaluate() == pytest.approx(
        {"val_recall@1": np.mean([rank == 1 for rank in ranks]), "val_mrr": np.mean([1 / rank for rank in ranks])}
    )


def test_figures_join_the_logs_of_an_epoch(validation: RetrievalValidation) -> None:
    logs = {"loss": 0.5}
    validation.on_epoch_end(3, logs)
    assert logs == {"loss": 0.5} | validation.evaluate()


def sampled(monkeypatch: pytest.MonkeyPatch, *, questions: int, candidates: int, seed: int) -> RetrievalValidation:
    monkeypatch.setattr(callbacks, "MAX_QUESTIONS", questions)
    monkeypatch.setattr(callbacks, "MAX_CANDIDATES", candidates)
    answers = [f"answer {number % 7}" for number in range(20)]  # each right for two or three questions
    library = {f"answer {number}": str(number) for number in range(30)}
    return RetrievalValidation([f"question {number}" for number in range(20)], answers, library, seed)


@pytest.mark.parametrize("seed", range(5))
def test_a_sample_keeps_every_right_answer(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    made = sampled(monkeypatch, questions=6, candidates=9, seed=seed)
    questions, answers, candidates = texts(made.questions), texts(made.answers), texts(made.candidates)
    assert len(questions) == len(set(questions)) == 6
    assert answers == [f"answer {int(question.split()[1]) % 7}" for question in questions]
    assert set(answers) <= set(candidates)
    assert len(candidates) == len(set(candidates)) == 9
    assert set(candidates) <= {f"answer {number}" for number in range(30)}


def test_right_answers_stay_even_past_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    made = sampled(monkeypatch, questions=20, candidates=3, seed=1)
    assert texts(made.candidates) == [f"answer {number}" for number in range(7)]


def test_below_the_limits_there_is_no_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    made = sampled(monkeypatch, questions=20, candidates=30, seed=1)
    assert texts(made.questions) == [f"question {number}" for number in range(20)]
    assert sorted(texts(made.candidates)) == sorted(f"answer {number}" for number in range(30))


def test_the_sample_follows_from_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    one, same, other = (sampled(monkeypatch, questions=6, candidates=9, seed=seed) for seed in (1, 1, 2))
    assert texts(one.questions) == texts(same.questions) != texts(other.questions)
    assert texts(one.candidates) == texts(same.candidates) != texts(other.candidates)


def texts(tensor: tf.Tensor) -> list[str]:
    return [value.decode() for value in tensor.numpy()]


class Scripted(keras.callbacks.Callback):
    """Gives each epoch, the untrained model first, a figure of the script, and makes the model's weight its number."""

    def __init__(self, figures: Sequence[float]) -> None:
        super().__init__()
        self._figures = list(figures)
        self.epochs = 0

    def evaluate(self) -> dict[str, float]:
        return {"val_recall@1": self._figures[self.epochs] / 2, "val_mrr": self._figures[self.epochs]}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs = epoch + 1
        self.model.layers[0].set_weights([np.array([[float(self.epochs)]])])
        logs.update(self.evaluate())


def fit(figures: Sequence[float], patience: int) -> tuple[KeepBest, int, float]:
    """KeepBest, epochs that were trained, and the number of the epoch whose weights the model ended with."""
    model = keras.Sequential([keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.build((None, 1))
    model.compile(optimizer="sgd", loss="mse")
    script = Scripted(figures)
    keep_best = KeepBest(script, patience)
    model.fit(np.ones((2, 1)), np.ones((2, 1)), epochs=len(figures) - 1, verbose=0, callbacks=[script, keep_best])
    return keep_best, script.epochs, float(model.get_weights()[0].item())


@pytest.mark.parametrize(
    ("figures", "patience", "best", "trained"),
    [
        ([0.5, 0.4, 0.3, 0.4, 0.4, 0.4], 3, 0, 3),
        ([0.5, 0.5, 0.5], 5, 0, 2),
        ([0.1, 0.2, 0.6, 0.5, 0.6, 0.4, 0.9], 2, 2, 4),
        ([0.1, 0.2, 0.6, 0.5, 0.6, 0.4, 0.9], 4, 6, 6),
        ([0.1, 0.2, 0.15, 0.3, 0.25, 0.2, 0.2], 2, 3, 5),
        ([0.1, 0.3, 0.2], 1, 1, 2),
        ([0.5, float("nan"), float("nan"), 0.4, 0.6], 3, 0, 3),
    ],
)
def test_the_best_epoch_is_kept_and_training_stops_after_patience(
    figures: list[float], patience: int, best: int, trained: int
) -> None:
    keep_best, epochs, weights = fit(figures, patience)
    assert keep_best.best_epoch == weights == best
    assert keep_best.best == {"val_recall@1": figures[best] / 2, "val_mrr": figures[best]}
    assert epochs == trained


@pytest.mark.parametrize("side", get_args(Side))
def test_an_encoder_encodes_in_batches(
    model: MatchModel, rows: list[Row], side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "BATCH", 4)
    questions = [row[1] for row in rows]
    expected = model.encode(side, tf.constant(questions))
    encoder = Encoder(getattr(model, side))
    np.testing.assert_allclose(encoder(questions), expected, atol=1e-6)
    np.testing.assert_allclose(encoder(tf.constant(questions[:3])), expected[:3], atol=1e-6)
    features = encoder.featurize(questions)
    assert len(features) == -(-len(questions) // 4)
    np.testing.assert_allclose(encoder.encode(features), expected, atol=1e-6)
