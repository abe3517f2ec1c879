"""Multi-similarity loss: the informative pairs of a row are chosen by each other, then weighed by their scores."""

from typing import Any

import keras
from keras import ops

from components.losses.pair_loss import PairLoss
from components.losses.pairs import EXCLUDED, Pairs, Tensor, as_pairs


def multi_similarity(
    positive: Tensor,
    scores: Tensor,
    *,
    pull: float = 2.0,
    push: float = 50.0,
    threshold: float = 0.5,
    slack: float = 0.1,
) -> Tensor:
    """How far the mined positives of each row score below the threshold, and its mined negatives above.

    `log(1 + sum of exp(-pull * (s_p - threshold))) / pull + log(1 + sum of exp(push * (s_n - threshold))) / push`, over
    the positives p and negatives n that `mined` leaves.

    Args:
        positive: `bool` or numbers, `[B, C]`, above 0 where the candidate is right for the row; see `as_pairs`.
        scores: `float[B, C]`, cosines.
        pull: Above 0; the paper's alpha.
        push: Above 0; the paper's beta.
        threshold: The paper's lambda, there 1; the authors' code has 0.5.
        slack: At least 0, of the mining; the paper's epsilon.

    Returns:
        `float[B]`; 0 where a row has no negative or no positive, or none that is worth a look.

    Raises:
        ValueError: If an argument is out of range, or the two matrices differ in shape.

    Source: Wang et al. 2019, "Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning",
        equations 11, 12 and 15.

    Example:
        >>> multi_similarity([[1, 0], [0, 1]], [[0.9, 0.6], [0.9, 0.5]]).numpy().round(3)
        array([0.   , 0.747], dtype=float32)
    """
    check_multi_similarity(pull, push, slack)
    pairs = mined(as_pairs(positive, scores), slack)
    short = ops.where(pairs.positive, pull * (threshold - pairs.scores), EXCLUDED)
    over = ops.where(pairs.negative, push * (pairs.scores - threshold), EXCLUDED)
    return _log_one_plus(short) / pull + _log_one_plus(over) / push


def mined(pairs: Pairs, slack: float) -> Pairs:
    """The negatives that score above the row's worst positive less `slack`, and the positives below its best negative
    plus `slack`; what is not a number stays.
    """
    worst_right = ops.min(ops.where(pairs.positive, pairs.scores, -EXCLUDED), axis=1, keepdims=True)
    best_wrong = ops.max(ops.where(pairs.negative, pairs.scores, EXCLUDED), axis=1, keepdims=True)
    return Pairs(
        pairs.scores,
        ops.logical_and(pairs.positive, ops.logical_not(pairs.scores >= best_wrong + slack)),
        ops.logical_and(pairs.negative, ops.logical_not(pairs.scores <= worst_right - slack)),
    )


def check_multi_similarity(pull: float, push: float, slack: float) -> None:
    """Raises a `ValueError` unless `pull` and `push` are above 0 and `slack` is at least 0."""
    for name, value in (("pull", pull), ("push", push)):
        if not value > 0:
            raise ValueError(f"{name} is {value!r}: it must be above 0")
    if not slack >= 0:
        raise ValueError(f"slack is {slack!r}: it must be at least 0")


def _log_one_plus(exponents: Tensor) -> Tensor:
    return ops.softplus(ops.logsumexp(exponents, axis=1))


@keras.saving.register_keras_serializable(package="anchorline")
class MultiSimilarity(PairLoss):
    """`multi_similarity` as a Keras loss."""

    def __init__(
        self,
        *,
        pull: float = 2.0,
        push: float = 50.0,
        threshold: float = 0.5,
        slack: float = 0.1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "multi_similarity",
    ) -> None:
        super().__init__(name=name, reduction=reduction)
        check_multi_similarity(pull, push, slack)
        self.pull = pull
        self.push = push
        self.threshold = threshold
        self.slack = slack

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Per-row losses `float[B]` of `positive[B, C]` and `scores[B, C]`."""
        return multi_similarity(
            y_true, y_pred, pull=self.pull, push=self.push, threshold=self.threshold, slack=self.slack
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        own = {"pull": self.pull, "push": self.push, "threshold": self.threshold, "slack": self.slack}
        return {**super().get_config(), **own}
