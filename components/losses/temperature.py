"""A temperature that is learnt."""

import math

import keras
from keras import ops

from components.losses.contrastive import check_temperature
from components.losses.pairs import Tensor

LOWEST, HIGHEST = 0.01, 1.0
"""Cosines times 1 / LOWEST is as sharp as a softmax of them gets; CLIP stops there, too."""


class Temperature(keras.layers.Layer):
    """A scalar that training moves within LOWEST and HIGHEST, evenly by its logarithm.

    Its variable is unbounded, and a sigmoid of it the place between the bounds: so there is a gradient everywhere, and
    no step of an optimizer leads outside.

    Args:
        first: Where it starts, strictly between the bounds.
        name: Of the layer.

    Raises:
        ValueError: If `first` is not between the bounds.

    Source: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision", section 2.5,
        which learns the logarithm and clips it.
    """

    def __init__(self, first: float, name: str = "temperature") -> None:
        super().__init__(name=name, dtype="float32")
        check_learnable(first)
        place = math.log(first / LOWEST) / math.log(HIGHEST / LOWEST)
        logit = math.log(place / (1 - place))
        self.logit = self.add_weight(shape=(), initializer=keras.initializers.Constant(logit), name="logit")
        self.built = True

    def value(self) -> Tensor:
        """The temperature, `float32[]`."""
        return LOWEST * (HIGHEST / LOWEST) ** ops.sigmoid(self.logit)


def check_learnable(temperature: float) -> None:
    """Raises a `ValueError` unless `temperature` lies strictly between the bounds."""
    check_temperature(temperature)
    if not LOWEST < temperature < HIGHEST:
        raise ValueError(f"temperature is {temperature!r}: to be learnt it must start between {LOWEST} and {HIGHEST}")
