"""Supervised contrastive loss of a score matrix: each right candidate of a row among all of its candidates."""

from typing import Any

import keras
from keras import ops

from components.losses.contrastive import check_temperature, contrast
from components.losses.pair_loss import PairLoss
from components.losses.pairs import Tensor, as_pairs


def pair_contrastive(positive: Tensor, scores: Tensor, *, temperature: float = 0.1) -> Tensor:
    """Cross-entropy of picking a right candidate among all of the row's, on `scores / temperature`.

    The mean over the row's positives p of `-log(exp(s_p / t) / sum of exp(s_c / t) over all c)`: unlike in
    `multiple_negatives_ranking`, positives compete with each other, so that all of them come out equally near.

    Args:
        positive: `bool` or numbers, `[B, C]`, above 0 where the candidate is right for the row; see `as_pairs`.
        scores: `float[B, C]`, cosines.
        temperature: Above 0.

    Returns:
        `float[B]`; 0 where a row has no negative or no positive.

    Raises:
        ValueError: If the temperature is not above 0, or the two matrices differ in shape.

    Source: Khosla et al. 2020, "Supervised Contrastive Learning", equation 2, between two sets of vectors.

    Example:
        >>> pair_contrastive([[1, 0, 0], [0, 1, 1]], [[0.9, 0.6, 0.9], [0.9, 0.5, 0.7]]).numpy().round(3)
        array([0.718, 3.143], dtype=float32)
    """
    check_temperature(temperature)
    pairs = as_pairs(positive, scores)
    return contrast(pairs.scores / temperature, pairs.positive, ops.logical_or(pairs.positive, pairs.negative))


@keras.saving.register_keras_serializable(package="anchorline")
class PairContrastive(PairLoss):
    """`pair_contrastive` as a Keras loss."""

    def __init__(
        self,
        temperature: float = 0.1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "supervised_contrastive",
    ) -> None:
        super().__init__(name=name, reduction=reduction)
        check_temperature(temperature)
        self.temperature = temperature

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Per-row losses `float[B]` of `positive[B, C]` and `scores[B, C]`."""
        return pair_contrastive(y_true, y_pred, temperature=self.temperature)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "temperature": self.temperature}
