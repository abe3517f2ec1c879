"""Any match loss, at several sizes of the vectors at once."""

from collections.abc import Sequence
from typing import Any, Self

import keras
from keras import ops

from components.losses.pair_loss import PairLoss
from components.losses.pairs import Tensor
from components.losses.schedules import Growth


@keras.saving.register_keras_serializable(package="anchorline")
class Matryoshka(PairLoss):
    """The mean of a loss over the score matrices of several sizes: `y_pred` is `scores[B, C, sizes]`.

    The first numbers of a vector learn to be a vector by themselves, so that it may be cut.

    Args:
        loss: Of one size.
        reduction: As in every Keras loss; that of `loss` does not count.
        name: As in every Keras loss.

    Source: Kusupati et al. 2022, "Matryoshka Representation Learning", equation 1, all sizes of equal importance.
    """

    def __init__(self, loss: PairLoss, reduction: str | None = "sum_over_batch_size", name: str = "matryoshka") -> None:
        super().__init__(name=name, reduction=reduction)
        self.loss = loss

    @property
    def parts(self) -> Sequence[keras.layers.Layer]:
        """Those of the loss, which all sizes share."""
        return self.loss.parts

    @property
    def schedules(self) -> Sequence[Growth]:
        """Those of the loss."""
        return self.loss.schedules

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Per-row losses `float[B]` of `positive[B, C]` and `scores[B, C, sizes]`."""
        losses = [self.loss.call(y_true, y_pred[:, :, size]) for size in range(y_pred.shape[2])]
        return ops.mean(ops.stack(losses), axis=0)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "loss": keras.losses.serialize(self.loss)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A loss like the one whose `get_config` this was."""
        return cls(**{**config, "loss": keras.losses.deserialize(config["loss"])})
