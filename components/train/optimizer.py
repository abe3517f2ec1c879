"""Adam with a learning rate of their own for some weights."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf


class LayerwiseAdam(keras.optimizers.Adam):
    """Adam (Kingma & Ba, 2015) whose steps are so many times as long for some weights as for the rest.

    Adam divides by the size of the gradients, so scaling a gradient would change nothing.

    Args:
        learning_rate: a number, or a schedule; what it does over time holds for all weights.
        shares: by a weight's path, its learning rate over the others'; 1 where nothing is said.
    """

    def __init__(self, learning_rate: Any, shares: Mapping[str, float], **options: Any) -> None:
        super().__init__(learning_rate, **options)
        self.shares = dict(shares)

    def update_step(self, gradient: tf.Tensor, variable: Any, learning_rate: tf.Tensor) -> None:
        """Update one weight."""
        path = self._trainable_variables[self._get_variable_index(variable)].path
        super().update_step(gradient, variable, learning_rate * self.shares.get(path, 1.0))

    def get_config(self) -> dict[str, Any]:
        """What it was made with."""
        return super().get_config() | {"shares": self.shares}
