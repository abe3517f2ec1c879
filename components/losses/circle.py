"""Circle loss: each pair is pulled or pushed the harder, the further its score is from where it should be."""

from typing import Any

import keras
from keras import ops

from components.losses.pair_loss import PairLoss
from components.losses.pairs import EXCLUDED, Tensor, as_pairs, as_scalar
from components.losses.ranking import check_scale
from components.losses.schedules import Growth, current, described, ends


def circle(positive: Tensor, scores: Tensor, *, margin: float = 0.4, scale: float = 80.0) -> Tensor:
    """How far the scores of each row are from 1 on its positives and from 0 on its negatives.

    `log(1 + sum of exp(scale * v_n * (s_n - margin)) * sum of exp(-scale * u_p * (s_p - 1 + margin)))` over the
    negatives n and the positives p, with the weights `v_n = relu(s_n + margin)` and `u_p = relu(1 + margin - s_p)`,
    which are constants to the gradient.

    Args:
        positive: `bool` or numbers, `[B, C]`, above 0 where the candidate is right for the row; see `as_pairs`.
        scores: `float[B, C]`, cosines.
        margin: Above 0 and below 1: at the optimum positives score above 1 - margin, negatives below margin.
        scale: Above 0; the paper's gamma.

    Returns:
        `float[B]`; 0 where a row has no negative or no positive.

    Raises:
        ValueError: If an argument is out of range, or the two matrices differ in shape.

    Source: Sun et al. 2020, "Circle Loss: A Unified Perspective of Pair Similarity Optimization", equation 6, with the
        weights of equation 5 and the gradient of equation 10.

    Example:
        >>> circle([[1, 0], [0, 1]], [[0.9, 0.6], [0.9, 0.5]], margin=0.25, scale=10).numpy().round(3)
        array([2.533, 9.35 ], dtype=float32)
    """
    check_circle_margin(margin)
    check_scale(scale)
    pairs = as_pairs(positive, scores)
    margin = as_scalar(margin, pairs.scores.dtype)
    pull = ops.stop_gradient(ops.relu(1 + margin - pairs.scores)) * (1 - margin - pairs.scores)
    push = ops.stop_gradient(ops.relu(pairs.scores + margin)) * (pairs.scores - margin)
    short = ops.logsumexp(ops.where(pairs.positive, scale * pull, EXCLUDED), axis=1)
    over = ops.logsumexp(ops.where(pairs.negative, scale * push, EXCLUDED), axis=1)
    return ops.softplus(short + over)


def check_circle_margin(margin: Any) -> None:
    """Raises a `ValueError` unless `margin`, if it is a number and no tensor, is above 0 and below 1."""
    if not ops.is_tensor(margin) and not 0 < margin < 1:
        raise ValueError(f"margin is {margin!r}: it must be above 0 and below 1")


@keras.saving.register_keras_serializable(package="anchorline")
class Circle(PairLoss):
    """`circle` as a Keras loss; its margin may be a `Growth`."""

    def __init__(
        self,
        margin: float | Growth = 0.4,
        scale: float = 80.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "circle",
    ) -> None:
        super().__init__(name=name, reduction=reduction)
        for one in ends(margin):
            check_circle_margin(one)
        check_scale(scale)
        self.margin = margin
        self.scale = scale

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Per-row losses `float[B]` of `positive[B, C]` and `scores[B, C]`."""
        return circle(y_true, y_pred, margin=current(self.margin), scale=self.scale)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "margin": described(self.margin), "scale": self.scale}
