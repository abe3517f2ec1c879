"""Scores of a model after an epoch, against naive loops."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.tasks.classify import ClassifyModel
from components.tasks.match import MatchModel, key
from components.train import validation as module
from components.train.candidates import Candidates
from components.train.validation import LabelValidation, RetrievalValidation
from tests.components.corpus import write_records

type Pairs = list[tuple[bytes, bytes, bytes]]


def candidates_of(rows: Sequence[tuple[bytes, bytes, bytes]], folder: Path) -> Candidates:
    records = [{"id": row_id, "question": question, "answer": answer} for row_id, question, answer in rows]
    return Candidates(write_records(folder / "records", records))


@pytest.fixture
def validation(model: MatchModel, corpus: Pairs, tmp_path: Path) -> RetrievalValidation:
    made = RetrievalValidation([row[1:] for row in corpus], candidates_of(corpus, tmp_path), seed=1)
    made.set_model(model)
    return made


def test_figures_are_those_of_a_naive_ranking(
    validation: RetrievalValidation, model: MatchModel, corpus: Pairs
) -> None:
    answers = sorted({answer for _, _, answer in corpus})
    vectors = dict(zip(answers, model.encode("answer", tf.constant(answers)).numpy(), strict=True))
    ranks = []
    for _, question, right in corpus:
        vector = model.encode("question", tf.constant([question])).numpy()[0]
        scores = {answer: float(vector @ vectors[answer]) for answer in answers}
        ranks.append(sum(score > scores[right] - 1e-6 for score in scores.values()))
    assert len(set(ranks)) > 2
    assert validation.evaluate() == pytest.approx(
        {"val_recall@1": np.mean([rank == 1 for rank in ranks]), "val_mrr": np.mean([1 / rank for rank in ranks])}
    )


def test_figures_join_the_logs_of_an_epoch(validation: RetrievalValidation) -> None:
    logs = {"loss": 0.5}
    validation.on_epoch_end(3, logs)
    assert logs == {"loss": 0.5} | validation.evaluate()
    assert validation.merit(logs) == logs["val_mrr"]


def test_other_right_answers_of_a_question_do_not_count(tmp_path: Path) -> None:
    """Without them a question with three right answers would rank them 1, 2 and 3."""
    rows = [(b"%d" % row, b"one", answer) for row, answer in enumerate((b"1", b"eins", b"uno"))]
    made = RetrievalValidation([row[1:] for row in rows], candidates_of(rows, tmp_path), seed=1)
    model: Any = _Constant()
    made.set_model(model)
    assert made.evaluate() == {"val_recall@1": 1, "val_mrr": 1}


class _Tower:
    feature_bytes = None

    def featurizer(self) -> Callable[[tf.Tensor], tf.Tensor]:
        return tf.identity

    def __call__(self, features: tf.Tensor) -> tf.Tensor:
        return tf.ones([tf.size(features), 3])


class _Constant:
    """Every vector is the same."""

    question = answer = _Tower()


def sampled(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *, questions: int, candidates: int, seed: int
) -> RetrievalValidation:
    monkeypatch.setattr(module, "MAX_QUESTIONS", questions)
    monkeypatch.setattr(module, "MAX_CANDIDATES", candidates)
    pairs = [(b"question %d" % row, b"answer %d" % (row % 7)) for row in range(20)]  # right for two or three questions
    library = [(b"%02d" % row, b"question %d" % row, b"answer %d" % row) for row in range(30)]
    return RetrievalValidation(pairs, candidates_of(library, folder), seed)


@pytest.mark.parametrize("seed", range(5))
def test_a_sample_keeps_every_right_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seed: int) -> None:
    made = sampled(monkeypatch, tmp_path, questions=6, candidates=9, seed=seed)
    answers = [b"answer %d" % (int(question.split()[1]) % 7) for question in made.questions]
    assert len(set(made.questions)) == 6
    np.testing.assert_array_equal(made.answer_keys, key(tf.constant(answers)))
    np.testing.assert_array_equal(made.question_keys, key(tf.constant(made.questions)))
    assert set(answers) <= set(made.candidates)
    assert len(made.candidates) == len(set(made.candidates)) == 9
    np.testing.assert_array_equal(made.keys, key(tf.constant(made.candidates)))


def test_right_answers_stay_even_past_the_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = sampled(monkeypatch, tmp_path, questions=20, candidates=3, seed=1)
    assert made.candidates == [b"answer %d" % row for row in range(7)]


def test_below_the_limits_there_is_no_sample(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = sampled(monkeypatch, tmp_path, questions=20, candidates=30, seed=1)
    assert made.questions == [b"question %d" % row for row in range(20)]
    assert sorted(made.candidates) == sorted(b"answer %d" % row for row in range(30))


def test_the_sample_follows_from_the_seed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one, same, other = (
        sampled(monkeypatch, tmp_path / name, questions=6, candidates=9, seed=seed)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert one.questions == same.questions != other.questions
    assert one.candidates == same.candidates != other.candidates


LABELS = [b"wall", b"floor", b"dot"]
RIGHT = {b"a": 0.7, b"b": 0.2, b"c": 0.5, b"d": 0.0, b"e": 0.6, b"nan": float("nan")}
"""What the model below gives the label wall; floor gets the rest, dot nothing."""


class _Known:
    """A tower whose vectors are probabilities."""

    feature_bytes = None

    def featurizer(self) -> Callable[[tf.Tensor], tf.Tensor]:
        return tf.identity

    def __call__(self, features: tf.Tensor) -> tf.Tensor:
        wall = tf.add_n([tf.where(features == name, value, 0.0) for name, value in RIGHT.items()])
        return tf.stack([wall, 1.0 - wall, 0.0 * wall], axis=1)


class _Classifier:
    """Gives RIGHT."""

    tower = _Known()

    def probabilities(self, vectors: tf.Tensor) -> tf.Tensor:
        return vectors


def scores(*rows: tuple[bytes, bytes]) -> dict[str, float]:
    made = LabelValidation(rows, LABELS, seed=1)
    model: Any = _Classifier()
    made.set_model(model)
    return made.evaluate()


def test_accuracy_and_cross_entropy_of_the_right_labels() -> None:
    found = scores((b"a", b"wall"), (b"b", b"wall"), (b"c", b"floor"), (b"e", b"floor"), (b"b", b"floor"))
    assert found["val_accuracy"] == pytest.approx(2 / 5)  # c gives both a half: the first is predicted
    assert found["val_cross_entropy"] == pytest.approx(-np.mean(np.log([0.7, 0.2, 0.5, 0.4, 0.8])))


def test_labels_that_were_not_learnt_are_wrong_and_have_no_cross_entropy() -> None:
    found = scores((b"a", b"wall"), (b"a", b"roof"), (b"d", b""))
    assert found == pytest.approx({"val_accuracy": 1 / 3, "val_cross_entropy": -np.log(0.7)})
    found = scores((b"a", b"roof"))
    assert found["val_accuracy"] == 0
    assert np.isnan(found["val_cross_entropy"])


def test_an_impossible_label_has_a_finite_cross_entropy() -> None:
    assert 50 < scores((b"a", b"dot"))["val_cross_entropy"] < 100


def test_what_is_not_a_number_is_wrong_even_for_the_first_label() -> None:
    found = scores((b"nan", b"wall"), (b"a", b"wall"))
    assert found["val_accuracy"] == 0.5
    assert np.isnan(found["val_cross_entropy"])


def test_merit_is_the_cross_entropy_and_least_where_it_is_not_a_number() -> None:
    made = LabelValidation([(b"a", b"wall")], LABELS, seed=1)
    sure, less_sure, lost = (
        made.merit({"val_accuracy": accuracy, "val_cross_entropy": entropy, "loss": 3.0})
        for accuracy, entropy in ((0.7, 0.1), (0.8, 2.0), (0.9, float("nan")))
    )
    assert sure > less_sure > lost


def test_past_the_limit_a_seeded_sample_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 5)
    rows = [(b"text %d" % row, LABELS[row % 3]) for row in range(12)]
    one, same, other = (LabelValidation(rows, LABELS, seed) for seed in (1, 1, 2))
    assert one.inputs == same.inputs != other.inputs
    assert len(set(one.inputs)) == 5
    assert [int(raw.split()[1]) % 3 for raw in one.inputs] == one.labels.tolist()


def test_it_scores_the_model_that_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real classifier, in batches."""
    from components.encoders import encoding
    from components.encoders.settings import EmbeddingBagSettings
    from components.losses.settings import SoftmaxSettings

    monkeypatch.setattr(encoding, "BATCH", 2)
    tower = EmbeddingBagSettings(dimensions=4, buckets=256).build(["text"], "")["text"]
    model = ClassifyModel(tower, SoftmaxSettings(type="softmax").build(3, 4), LABELS)
    rows = [(b"brick", b"wall"), (b"tiles", b"floor"), (b"spot", b"dot"), (b"tiles", b"floor"), (b"brick", b"dot")]
    made = LabelValidation(rows, LABELS, seed=4)
    made.set_model(model)
    before = made.evaluate()
    tower.embeddings.assign(tf.random.stateless_normal([256, 4], [1, 2]) * 3)
    after = made.evaluate()
    probabilities = model.probabilities(model.vectors(tf.constant([raw for raw, _ in rows]))).numpy()
    ids = [LABELS.index(label) for _, label in rows]
    assert after["val_accuracy"] == pytest.approx(np.mean(probabilities.argmax(axis=1) == ids))
    assert after["val_cross_entropy"] == pytest.approx(-np.mean(np.log(probabilities[range(5), ids])), rel=1e-5)
    assert after != before
