"""Label-smoothed cross-entropy: a classifier that is never certain, and therefore better calibrated."""

from typing import Any

import keras
from keras import ops

from components.losses.objective import CROSS_ENTROPY, Objective
from components.losses.pairs import Tensor
from components.losses.rows import as_rows


def smoothed_cross_entropy(labels: Tensor, logits: Tensor, *, smoothing: float = 0.1) -> Tensor:
    """Cross-entropy of the softmax against the label, of which every class gets an equal share of `smoothing`.

    `(1 - smoothing) * CE(one-hot label, p) + smoothing * CE(uniform, p)` with p the softmax of the logits, which is
    the cross-entropy against `(1 - smoothing) * one-hot + smoothing / C`. Its smallest value is that target's entropy.

    Args:
        labels: `int[B]`, from 0 to C - 1.
        logits: `float[B, C]`, finite; narrower than float32 is computed in float32.
        smoothing: From 0 (plain cross-entropy) to below 1.

    Returns:
        `float[B]`, in nats; not a number where the label is none of the classes.

    Raises:
        ValueError: If smoothing is out of range, or the shapes do not fit.

    Source: Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", section 7.

    Example:
        >>> smoothed_cross_entropy([1, 0], [[10.0, 1.0, -2.0], [10.0, 1.0, -2.0]], smoothing=0.0).numpy().round(5)
        array([9.00013e+00, 1.30000e-04], dtype=float32)
    """
    check_smoothing(smoothing)
    labels, logits = as_rows(labels, logits, "logits")
    log_probabilities = ops.log_softmax(logits, axis=1)
    right = labels[:, None] == ops.arange(ops.shape(logits)[1], dtype="int64")
    known = ops.any(right, axis=1)
    of_label = ops.sum(ops.where(right, log_probabilities, 0), axis=1)
    losses = -(1 - smoothing) * of_label - smoothing * ops.mean(log_probabilities, axis=1)
    return ops.where(known, losses, float("nan"))


def check_smoothing(smoothing: float) -> None:
    """Raises a `ValueError` unless `smoothing` is at least 0 and below 1."""
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing is {smoothing!r}: it must be at least 0 and below 1")


@keras.saving.register_keras_serializable(package="anchorline")
class SmoothedCrossEntropy(keras.losses.Loss):
    """`smoothed_cross_entropy` as a Keras loss: `y_true` are the labels `[B]`, `y_pred` the logits."""

    def __init__(
        self,
        smoothing: float = 0.1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "smoothed_cross_entropy",
    ) -> None:
        super().__init__(name=name, reduction=reduction)
        check_smoothing(smoothing)
        self.smoothing = smoothing

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Per-row losses `float[B]` of labels `[B]` and logits `[B, C]`."""
        return smoothed_cross_entropy(y_true, y_pred, smoothing=self.smoothing)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "smoothing": self.smoothing}


@keras.saving.register_keras_serializable(package="anchorline")
class Softmax(Objective):
    """A linear head whose softmax is trained by smoothed cross-entropy: the term `"cross_entropy"`."""

    def __init__(self, classes: int, dimensions: int, *, smoothing: float = 0.0, name: str | None = None) -> None:
        super().__init__(classes, dimensions, name)
        check_smoothing(smoothing)
        self.smoothing = smoothing
        self.head = keras.layers.Dense(classes, dtype="float32", name="logits")
        self.head.build((None, dimensions))

    @property
    def term_weights(self) -> dict[str, float]:
        """Cross-entropy alone."""
        return {CROSS_ENTROPY: 1.0}

    def logits(self, features: Tensor) -> Tensor:
        """The head's output, `float32[N, C]`."""
        return self.head(features)

    def terms(self, features: Tensor, labels: Tensor, training: bool = False) -> dict[str, Tensor]:
        """Smoothed cross-entropy."""
        del training
        return {CROSS_ENTROPY: smoothed_cross_entropy(labels, self.logits(features), smoothing=self.smoothing)}

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "smoothing": self.smoothing}
