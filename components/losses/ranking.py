"""Multiple-negatives ranking: a softmax over the candidates of the batch."""

from typing import Any

import keras
from keras import ops

from components.losses.pair_loss import PairLoss
from components.losses.pairs import EXCLUDED, Tensor, as_pairs, row_mean


def multiple_negatives_ranking(positive: Tensor, scores: Tensor, *, scale: float = 20.0) -> Tensor:
    """Cross-entropy of picking the right candidate among the wrong ones, on `scale * scores`.

    Each positive p is judged against the row's negatives N alone, `-log(e^p / (e^p + sum of e^n over N))`, and the
    row's loss is the mean over its positives: copies of the right answer neither compete with it nor count as wrong.

    Args:
        positive: `bool` or numbers, `[B, C]`, above 0 where the candidate is right for the row; see `as_pairs`.
        scores: `float[B, C]`, cosines.
        scale: Above 0, what the scores are multiplied by: 1 / temperature.

    Returns:
        `float[B]`; 0 where a row has no negative or no positive.

    Raises:
        ValueError: If scale is not above 0, or the two matrices differ in shape.

    Source: Henderson et al. 2017, "Efficient Natural Language Response Suggestion for Smart Reply", section 4.4.

    Example:
        >>> multiple_negatives_ranking([[1, 0], [0, 1]], [[0.9, 0.6], [0.9, 0.5]], scale=10).numpy().round(3)
        array([0.049, 4.018], dtype=float32)
    """
    check_scale(scale)
    pairs = as_pairs(positive, scores)
    logits = scale * pairs.scores
    rivals = ops.logsumexp(ops.where(pairs.negative, logits, EXCLUDED), axis=1, keepdims=True)
    losses = row_mean(ops.softplus(rivals - logits), pairs.positive)  # softplus(n - p) = -log(e^p / (e^p + e^n))
    return ops.squeeze(losses, axis=1)


def check_scale(scale: float) -> None:
    """Raises a `ValueError` unless `scale` is above 0."""
    if not scale > 0:
        raise ValueError(f"scale is {scale!r}: it must be above 0")


@keras.saving.register_keras_serializable(package="anchorline")
class MultipleNegativesRanking(PairLoss):
    """`multiple_negatives_ranking` as a Keras loss."""

    def __init__(
        self,
        scale: float = 20.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "multiple_negatives_ranking",
    ) -> None:
        super().__init__(name=name, reduction=reduction)
        check_scale(scale)
        self.scale = scale

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Per-row losses `float[B]` of `positive[B, C]` and `scores[B, C]`."""
        return multiple_negatives_ranking(y_true, y_pred, scale=self.scale)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "scale": self.scale}
