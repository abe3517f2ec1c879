"""What every loss of the `match` task is to the model that is compiled with it."""

from collections.abc import Sequence
from typing import Any, Self

import keras

from components.losses.schedules import Growth


class PairLoss(keras.losses.Loss):
    """A Keras loss whose `y_true` is `positive[B, C]` and whose `y_pred` is `scores[B, C]`; see `pairs`."""

    @property
    def parts(self) -> Sequence[keras.layers.Layer]:
        """Layers with what the loss itself learns. Keras trains what a model owns, so the model must own them."""
        return ()

    @property
    def schedules(self) -> Sequence[Growth]:
        """What changes over a training; `fit` must be given these callbacks."""
        return [value for value in vars(self).values() if isinstance(value, Growth)]

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A loss like the one whose `get_config` this was; it learns and grows from the start."""
        return cls(**{key: Growth(**value) if isinstance(value, dict) else value for key, value in config.items()})
