"""Validation by retrieval, and the best epoch kept."""

import random
from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from components.tasks.library import Library
from components.tasks.match import MatchModel
from components.train.encoding import Encoder

MAX_QUESTIONS = 2_000
MAX_CANDIDATES = 5_000


class RetrievalValidation(keras.callbacks.Callback):
    """Adds `val_recall@1` and `val_mrr` to each epoch's logs, for every later callback and the progress bar to see.

    Held-out questions are ranked against all candidates; past MAX_QUESTIONS and MAX_CANDIDATES against a seeded sample
    that holds every right answer.

    Args:
        questions: the held-out questions.
        answers: their right answers.
        library: all candidates, with their ids.
        seed: of the sample.
    """

    def __init__(self, questions: Sequence[str], answers: Sequence[str], library: Mapping[str, str], seed: int) -> None:
        super().__init__()
        draw = random.Random(seed)  # noqa: S311
        rows = sorted(draw.sample(range(len(questions)), min(len(questions), MAX_QUESTIONS)))
        self.questions = tf.constant([questions[row] for row in rows])
        self.answers = tf.constant([answers[row] for row in rows])
        needed = {answers[row] for row in rows}
        others = [text for text in library if text not in needed]
        spare = max(MAX_CANDIDATES - len(needed), 0)
        self.candidates = tf.constant(sorted(needed) + draw.sample(others, min(spare, len(others))))

    def set_model(self, model: MatchModel) -> None:
        """Prepare to encode with the model that is trained; what needs no weights is computed once."""
        super().set_model(model)
        self._encoders = Encoder(model.question), Encoder(model.answer)
        self._features = [
            encoder.featurize(texts)
            for encoder, texts in zip(self._encoders, (self.questions, self.candidates), strict=True)
        ]

    def evaluate(self) -> dict[str, float]:
        """Recall@1 and MRR of the model as it is now."""
        questions, candidates = (
            encoder.encode(features) for encoder, features in zip(self._encoders, self._features, strict=True)
        )
        ranks = Library(self.candidates, self.candidates, candidates).rank(questions, self.answers).numpy()
        return {"val_recall@1": float(np.mean(ranks <= 1)), "val_mrr": float(np.mean(1 / ranks))}

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Validate."""
        del epoch
        if logs is not None:
            logs.update(self.evaluate())


class KeepBest(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the best validation MRR (the untrained model is epoch 0) and stops in time.

    Args:
        validation: what scores the untrained model.
        patience: stop after so many epochs without a better one.
    """

    def __init__(self, validation: RetrievalValidation, patience: int) -> None:
        super().__init__()
        self.validation = validation
        self.patience = patience
        self.best_epoch = 0
        self.best: dict[str, float] = {}
        self._weights: list[np.ndarray] = []

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Score the untrained model."""
        del logs
        self._keep(0, self.validation.evaluate())

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep a better epoch's weights; stop when there was none for too long."""
        assert logs is not None, "RetrievalValidation comes first"  # noqa: S101
        if logs["val_mrr"] > self.best["val_mrr"]:
            self._keep(epoch + 1, {name: value for name, value in logs.items() if name in self.best})
        elif epoch + 1 - self.best_epoch >= self.patience:
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Go back to the best weights."""
        del logs
        self.model.set_weights(self._weights)

    def _keep(self, epoch: int, metrics: dict[str, float]) -> None:
        self.best_epoch, self.best = epoch, metrics
        self._weights = self.model.get_weights()
