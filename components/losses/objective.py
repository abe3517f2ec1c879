"""What a classifier learns from: the interface of every loss of the `classify` task."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from components.losses.pairs import Tensor
from components.losses.schedules import Growth

CROSS_ENTROPY = "cross_entropy"
"""The term that every objective has."""


class Objective(keras.layers.Layer, ABC):
    """Turns features into logits, and features with labels into the named losses that are minimised.

    It owns the softmax head and whatever else the loss needs; all its variables exist once it is made. Called as a
    layer it gives the logits. It computes in float32 whatever the global policy.

    Args:
        classes: How many there are, at least 2.
        dimensions: The size of a feature vector, at least 1.
        name: Of the layer.

    Raises:
        ValueError: If there are too few classes or dimensions.
    """

    def __init__(self, classes: int, dimensions: int, name: str | None = None) -> None:
        super().__init__(name=name, dtype="float32")
        if classes < 2:  # noqa: PLR2004
            raise ValueError(f"classes is {classes!r}: there must be at least 2")
        if dimensions < 1:
            raise ValueError(f"dimensions is {dimensions!r}: there must be at least 1")
        self.classes = classes
        self.dimensions = dimensions
        self.built = True

    @property
    @abstractmethod
    def term_weights(self) -> dict[str, float]:
        """The weight of each term in the total, by name; `weights` is what Keras calls the variables."""

    @property
    def schedules(self) -> Sequence[Growth]:
        """What changes over a training; `fit` must be given these callbacks."""
        return ()

    @abstractmethod
    def logits(self, features: Tensor) -> Tensor:
        """What prediction takes the softmax of, `float32[N, C]`, of features `float[N, D]`."""

    @abstractmethod
    def terms(self, features: Tensor, labels: Tensor, training: bool = False) -> dict[str, Tensor]:
        """The losses of each row by the names of `term_weights`; one is always `"cross_entropy"`.

        Args:
            features: `float[B, D]`.
            labels: `int64[B]`, the class of each row, from 0 to C - 1.
            training: Whether state that is not trained by gradient may move on.

        Returns:
            Each term `float32[B]`.
        """

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """What is minimised, `float32[]`: the weighted sum of the means of the `terms`."""
        weights = self.term_weights
        return sum(weights[name] * ops.mean(values) for name, values in terms.items())

    def call(self, features: Tensor) -> Tensor:
        """The logits."""
        return self.logits(features)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"classes": self.classes, "dimensions": self.dimensions, "name": self.name}


def check_weight(weight: float) -> None:
    """Raises a `ValueError` unless `weight`, of a term, is at least 0."""
    if not weight >= 0:
        raise ValueError(f"weight is {weight!r}: it must be at least 0")
