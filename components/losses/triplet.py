"""The triplet loss on cosines: a right answer must score above a wrong one."""

from typing import Any, Literal

import keras
from keras import ops

from components.losses.negatives import Seed, check_strategy, select_negatives
from components.losses.pair_loss import PairLoss
from components.losses.pairs import Tensor, as_pairs, as_scalar, row_mean
from components.losses.schedules import Growth, current, described, ends
from components.losses.settings import NegativeStrategy


def cosine_triplet(
    positive: Tensor,
    scores: Tensor,
    *,
    margin: float | Literal["soft"] = 0.1,
    negatives: NegativeStrategy = "random",
    seed: Seed = None,
) -> Tensor:
    """The margin by which each row fails to score its right answer above a wrong one.

    `relu(margin + wrong - right)`, or `log(1 + exp(wrong - right))` with the soft margin, averaged over the chosen
    negatives. `right` is the mean score of the row's positives; copies of one answer score the same.

    Args:
        positive: `bool` or numbers, `[B, C]`, above 0 where the candidate is right for the row; see `as_pairs`.
        scores: `float[B, C]`, cosines.
        margin: Above 0, in units of the scores, or `"soft"`.
        negatives: Which wrong candidates count, see `select_negatives`.
        seed: Of random negatives, see `select_negatives`.

    Returns:
        `float[B]`; 0 where a row has no negative or no positive.

    Raises:
        ValueError: If an argument is none of the allowed, or the two matrices differ in shape.

    Source: Weinberger and Saul 2009; Schroff et al. 2015 (FaceNet); the soft margin is that of Hermans et al. 2017.

    Example:
        >>> cosine_triplet([[1, 0], [0, 1]], [[1.0, 0.5], [0.25, 0.5]], margin=0.75).numpy().tolist()
        [0.25, 0.5]
    """
    check_margin(margin)
    pairs = as_pairs(positive, scores)
    weights = select_negatives(scores, positive, negatives, seed)
    excess = pairs.scores - row_mean(pairs.scores, pairs.positive)
    soft = isinstance(margin, str)
    losses = ops.softplus(excess) if soft else ops.relu(excess + as_scalar(margin, excess.dtype))
    return ops.sum(weights * losses, axis=1)


def check_margin(margin: Any) -> None:
    """Raises a `ValueError` unless `margin`, if it is no tensor, is above 0 or `"soft"`."""
    if ops.is_tensor(margin) or margin == "soft":
        return
    if isinstance(margin, str) or not margin > 0:
        raise ValueError(f"margin is {margin!r}: it must be a number above 0 or 'soft'")


@keras.saving.register_keras_serializable(package="anchorline")
class CosineTriplet(PairLoss):
    """`cosine_triplet` as a Keras loss; its margin may be a `Growth`.

    Random negatives are drawn from the loss's own generator, which starts from `seed`; without one it starts from
    Python's random numbers, so that `keras.utils.set_random_seed` before the loss is made repeats its draws. A
    reloaded loss starts again.
    """

    def __init__(
        self,
        margin: float | Literal["soft"] | Growth = 0.1,
        negatives: NegativeStrategy = "random",
        seed: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "cosine_triplet",
    ) -> None:
        super().__init__(name=name, reduction=reduction)
        for one in ends(margin):
            check_margin(one)
        check_strategy(negatives)
        self.margin = margin
        self.negatives = negatives
        self.seed = seed
        self._generator = keras.random.SeedGenerator(seed) if negatives == "random" else None

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Per-row losses `float[B]` of `positive[B, C]` and `scores[B, C]`."""
        return cosine_triplet(
            y_true, y_pred, margin=current(self.margin), negatives=self.negatives, seed=self._generator
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "margin": described(self.margin),
            "negatives": self.negatives,
            "seed": self.seed,
        }
