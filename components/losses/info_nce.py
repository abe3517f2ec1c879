"""InfoNCE: each question must pick its answer, and each answer its question, at a temperature that may be learnt."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from components.losses.contrastive import check_temperature
from components.losses.pair_loss import PairLoss
from components.losses.pairs import Tensor, as_pairs, as_scalar, is_right, row_mean
from components.losses.ranking import multiple_negatives_ranking
from components.losses.temperature import Temperature


def info_nce(positive: Tensor, scores: Tensor, *, temperature: float = 0.05, symmetric: bool = True) -> Tensor:
    """Cross-entropy of picking the right candidate among the wrong ones, on `scores / temperature`.

    That of a row is `multiple_negatives_ranking`. If it is symmetric, so is that of a column, whose candidate picks the
    right question; a row then costs the mean of its own loss and that of its positives' columns, their mean.

    Args:
        positive: `bool` or numbers, `[B, C]`, above 0 where the candidate is right for the row; see `as_pairs`.
        scores: `float[B, C]`, cosines.
        temperature: Above 0; a tensor, `float[]`, gets a gradient.
        symmetric: Whether candidates pick questions, too.

    Returns:
        `float[B]`; 0 where neither the row nor the columns of its positives have anything to compare.

    Raises:
        ValueError: If the temperature is not above 0, or the two matrices differ in shape.

    Source: van den Oord et al. 2018, "Representation Learning with Contrastive Predictive Coding", equation 4;
        symmetric: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision".

    Example:
        >>> info_nce([[1, 0], [0, 1]], [[0.9, 0.6], [0.9, 0.5]], temperature=0.1).numpy().round(3)
        array([0.371, 2.666], dtype=float32)
    """
    if not ops.is_tensor(temperature):
        check_temperature(temperature)
    positive = ops.convert_to_tensor(positive)
    widened = as_pairs(positive, scores).scores
    logits = widened / as_scalar(temperature, widened.dtype)
    of_rows = multiple_negatives_ranking(positive, logits, scale=1.0)
    if not symmetric:
        return of_rows
    of_columns = multiple_negatives_ranking(ops.transpose(positive), ops.transpose(logits), scale=1.0)
    return (of_rows + ops.squeeze(row_mean(of_columns[None, :], is_right(positive)), axis=1)) / 2


@keras.saving.register_keras_serializable(package="anchorline")
class InfoNCE(PairLoss):
    """`info_nce` as a Keras loss.

    Args:
        temperature: The fixed one, or where learning starts.
        learnt: Whether it is trained with the model, which must own `parts`.
        symmetric: Whether candidates pick questions, too.
        reduction: As in every Keras loss.
        name: As in every Keras loss.
    """

    def __init__(
        self,
        temperature: float = 0.05,
        learnt: bool = True,
        symmetric: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str = "info_nce",
    ) -> None:
        super().__init__(name=name, reduction=reduction)
        check_temperature(temperature)
        self.temperature = temperature
        self.learnt = learnt
        self.symmetric = symmetric
        self._learnt = Temperature(temperature) if learnt else None

    @property
    def parts(self) -> Sequence[keras.layers.Layer]:
        """The temperature, if it is learnt."""
        return [self._learnt] if self._learnt else []

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Per-row losses `float[B]` of `positive[B, C]` and `scores[B, C]`."""
        temperature = self._learnt.value() if self._learnt else self.temperature
        return info_nce(y_true, y_pred, temperature=temperature, symmetric=self.symmetric)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        own = {"temperature": self.temperature, "learnt": self.learnt, "symmetric": self.symmetric}
        return {**super().get_config(), **own}
