"""Supervised contrastive loss: rows of one class are nearer to each other than to the rest of the batch."""

from typing import Any

import keras
from keras import ops

from components.losses.cross_entropy import Softmax
from components.losses.objective import check_weight
from components.losses.pairs import EXCLUDED, Tensor, row_mean
from components.losses.rows import as_rows
from components.losses.scores import cosine_scores


def supervised_contrastive(labels: Tensor, features: Tensor, *, temperature: float = 0.1) -> Tensor:
    """Cross-entropy of picking a row of the same class among all other rows of the batch, by cosine.

    For row i, `-log(exp(cos(i, p) / t) / sum of exp(cos(i, a) / t) over a != i)`, averaged over the other rows p of its
    class: the form that the paper calls L_out. Copies of a row are rows like any other.

    Args:
        labels: `int[B]`, any numbers.
        features: `float[B, D]`, of any length: they are scaled to unit vectors; narrower than float32 is computed in
            float32.
        temperature: Above 0.

    Returns:
        `float[B]`; 0 where no other row is of the class.

    Raises:
        ValueError: If temperature is not above 0, or the shapes do not fit.

    Source: Khosla et al. 2020, "Supervised Contrastive Learning", equation 2.

    Example:
        >>> rows = [[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]]
        >>> supervised_contrastive([5, 5, 7], rows, temperature=0.5).numpy().round(4)
        array([0.1269, 0.1269, 0.    ], dtype=float32)
    """
    check_temperature(temperature)
    labels, features = as_rows(labels, features, "features")
    similarities = cosine_scores(features, features) / temperature
    place = ops.arange(ops.shape(similarities)[0])
    other = place[:, None] != place[None, :]
    same_class = ops.logical_and(other, labels[:, None] == labels[None, :])
    return contrast(similarities, same_class, other)


def contrast(logits: Tensor, positive: Tensor, rivals: Tensor) -> Tensor:
    """Cross-entropy of picking each positive of a row among its rivals, the mean over the positives.

    Args:
        logits: `float[B, C]`.
        positive: `bool[B, C]`.
        rivals: `bool[B, C]`, the positives among them.

    Returns:
        `float[B]`; 0 where a row has no positive.
    """
    all_rivals = ops.logsumexp(ops.where(rivals, logits, EXCLUDED), axis=1, keepdims=True)
    return ops.squeeze(row_mean(all_rivals - logits, positive), axis=1)


def check_temperature(temperature: float) -> None:
    """Raises a `ValueError` unless `temperature` is above 0."""
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature!r}: it must be above 0")


@keras.saving.register_keras_serializable(package="anchorline")
class SoftmaxWithContrast(Softmax):
    """Softmax cross-entropy and the supervised contrastive loss of the features: the term `"contrastive"`.

    Args:
        classes: How many there are.
        dimensions: The size of a feature vector.
        smoothing: Of the cross-entropy.
        temperature: Of the contrastive loss.
        weight: Of the contrastive loss in the total, at least 0.
        name: Of the layer.
    """

    def __init__(
        self,
        classes: int,
        dimensions: int,
        *,
        smoothing: float = 0.0,
        temperature: float = 0.1,
        weight: float = 1.0,
        name: str | None = None,
    ) -> None:
        super().__init__(classes, dimensions, smoothing=smoothing, name=name)
        check_temperature(temperature)
        check_weight(weight)
        self.temperature = temperature
        self.weight = weight

    @property
    def term_weights(self) -> dict[str, float]:
        """Cross-entropy and `"contrastive"`."""
        return {**super().term_weights, "contrastive": self.weight}

    def terms(self, features: Tensor, labels: Tensor, training: bool = False) -> dict[str, Tensor]:
        """Smoothed cross-entropy and the contrastive loss within the batch."""
        features = ops.cast(features, self.compute_dtype)
        contrast = supervised_contrastive(labels, features, temperature=self.temperature)
        return {**super().terms(features, labels, training), "contrastive": contrast}

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "temperature": self.temperature, "weight": self.weight}
