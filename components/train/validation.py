"""Scores a model after each epoch on rows that it does not learn from."""

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from components.encoders.encoding import Encoder
from components.losses.scores import unit_vectors
from components.search.exact import Exact
from components.search.similarity import Similarity
from components.tasks.classify import ClassifyModel
from components.tasks.library import Ranker
from components.tasks.match import MatchModel, key
from components.train.candidates import Candidates

MAX_QUESTIONS = 2_000
MAX_CANDIDATES = 5_000
MAX_ROWS = 10_000

Scores = dict[str, float]


class Validation(keras.callbacks.Callback, ABC):
    """Adds `val_` metrics to each epoch's logs, for every later callback and the progress bar to see."""

    @abstractmethod
    def evaluate(self) -> Scores:
        """Metrics of the model as it is now."""

    @abstractmethod
    def merit(self, scores: Mapping[str, float]) -> float:
        """By what epochs are compared; the largest is the best."""

    def on_epoch_end(self, epoch: int, logs: Scores | None = None) -> None:
        """Validate."""
        del epoch
        if logs is not None:
            logs.update(self.evaluate())


class RetrievalValidation(Validation):
    """`val_recall@1` and `val_mrr` of held-out questions, ranked against all candidates.

    Past MAX_QUESTIONS and MAX_CANDIDATES a seeded sample is ranked, with every right answer in it.

    Args:
        pairs: held-out (question, answer) pairs, raw.
        candidates: all candidates.
        seed: of the sample.
    """

    def __init__(self, pairs: Sequence[tuple[bytes, ...]], candidates: Candidates, seed: int) -> None:
        super().__init__()
        draw = random.Random(seed)  # noqa: S311
        rows = sorted(draw.sample(range(len(pairs)), min(len(pairs), MAX_QUESTIONS)))
        self.questions = [pairs[row][0] for row in rows]
        self.question_keys = key(tf.constant(self.questions))
        self.answer_keys = key(tf.constant([pairs[row][1] for row in rows]))
        needed = np.flatnonzero(np.isin(candidates.keys, self.answer_keys.numpy())).tolist()
        others = sorted(set(range(len(candidates))) - set(needed))
        places = needed + draw.sample(others, min(max(MAX_CANDIDATES - len(needed), 0), len(others)))
        self.keys = candidates.keys[places]
        self.candidates = candidates.values(places)
        self.right = candidates.right

    def set_model(self, model: MatchModel) -> None:
        """Prepare to encode with the model that is trained; what needs no weights is computed once."""
        super().set_model(model)
        self._encoders = Encoder(model.question), Encoder(model.answer)
        self._features = [
            encoder.featurize(raw)
            for encoder, raw in zip(self._encoders, (self.questions, self.candidates), strict=True)
        ]

    def evaluate(self) -> Scores:
        """Recall@1 and MRR."""
        questions, candidates = (
            unit_vectors(encoder.encode(features))
            for encoder, features in zip(self._encoders, self._features, strict=True)
        )
        ranker = Ranker(tf.constant(self.keys), Similarity(Exact(candidates)), self.right)
        ranks = ranker.rank(questions, self.question_keys, self.answer_keys).numpy()
        return {"val_recall@1": float(np.mean(ranks <= 1)), "val_mrr": float(np.mean(1 / ranks))}

    def merit(self, scores: Mapping[str, float]) -> float:
        """The MRR."""
        return scores["val_mrr"]


class LabelValidation(Validation):
    """`val_accuracy` and `val_cross_entropy` (of the right label, unsmoothed) of held-out rows, at most MAX_ROWS.

    Rows whose label the training split does not have count as wrong, and not in the cross-entropy.

    Args:
        rows: held-out (input, label) rows, raw.
        labels: those of the training split, in the order of their ids.
        seed: of the sample.
    """

    def __init__(self, rows: Sequence[tuple[bytes, ...]], labels: Sequence[bytes], seed: int) -> None:
        super().__init__()
        sample = random.Random(seed).sample(list(rows), min(len(rows), MAX_ROWS))  # noqa: S311
        ids = {label: number for number, label in enumerate(labels)}
        self.inputs = [row[0] for row in sample]
        self.labels = np.array([ids.get(row[1], -1) for row in sample])

    def set_model(self, model: ClassifyModel) -> None:
        """Prepare to encode with the model that is trained; what needs no weights is computed once."""
        super().set_model(model)
        self._encoder = Encoder(model.tower)
        self._features = self._encoder.featurize(self.inputs)

    def evaluate(self) -> Scores:
        """Accuracy and cross-entropy."""
        probabilities = self.model.probabilities(self._encoder.encode(self._features)).numpy()
        known = self.labels >= 0
        right = probabilities[known, self.labels[known]]
        finite = np.isfinite(probabilities).all(axis=1)  # the largest of what is not a number is the first
        accuracy = np.mean(known & finite & (probabilities.argmax(axis=1) == self.labels))
        entropy = -np.mean(np.log(np.maximum(right, np.finfo(np.float32).tiny))) if known.any() else math.nan
        return {"val_accuracy": float(accuracy), "val_cross_entropy": float(entropy)}

    def merit(self, scores: Mapping[str, float]) -> float:
        """The cross-entropy: it sees how sure a model is and how right, in steps finer than one row."""
        entropy = scores["val_cross_entropy"]
        return -math.inf if math.isnan(entropy) else -entropy
