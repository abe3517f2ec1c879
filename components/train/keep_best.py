"""The best epoch, kept."""

import time

import keras
import numpy as np

from components.train.validation import Scores, Validation


class KeepBest(keras.callbacks.Callback):
    """Keeps the weights of the epoch of the largest merit (the untrained model is epoch 0) and stops in time.

    Args:
        validation: what scores the model; comes before this among the callbacks.
        patience: stop after so many epochs without a better one.
    """

    def __init__(self, validation: Validation, patience: int) -> None:
        super().__init__()
        self.validation = validation
        self.patience = patience
        self.best_epoch = 0
        self.best: Scores = {}
        self.curve: list[tuple[float, float]] = []
        """When each validation was done, by `time.perf_counter`, and its merit; the untrained model's first."""
        self._weights: list[np.ndarray] = []

    def on_train_begin(self, logs: Scores | None = None) -> None:
        """Score the untrained model."""
        del logs
        self._keep(0, self.validation.evaluate())
        self.curve = [(time.perf_counter(), self.validation.merit(self.best))]

    def on_epoch_end(self, epoch: int, logs: Scores | None = None) -> None:
        """Keep a better epoch's weights; stop when there was none for too long."""
        assert logs is not None, "the validation comes first"  # noqa: S101
        self.curve.append((time.perf_counter(), self.validation.merit(logs)))
        if self.validation.merit(logs) > self.validation.merit(self.best):
            self._keep(epoch + 1, {name: value for name, value in logs.items() if name in self.best})
        elif epoch + 1 - self.best_epoch >= self.patience:
            self.model.stop_training = True

    def on_train_end(self, logs: Scores | None = None) -> None:
        """Go back to the best weights."""
        del logs
        self.model.set_weights(self._weights)

    def _keep(self, epoch: int, scores: Scores) -> None:
        self.best_epoch, self.best = epoch, scores
        self._weights = self.model.get_weights()
