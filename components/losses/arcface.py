"""ArcFace: a softmax over cosines whose right class must win by an angle."""

import math
from typing import Any

import keras
from keras import ops

from components.losses.cross_entropy import smoothed_cross_entropy
from components.losses.objective import CROSS_ENTROPY, Objective
from components.losses.pairs import Tensor
from components.losses.ranking import check_scale
from components.losses.rows import as_rows
from components.losses.scores import cosine_scores

_TINY = 1e-6  # squared sine; below it float32 holds no more of 1 - cosine ** 2 than its rounding


def additive_angular_margin(labels: Tensor, cosines: Tensor, *, margin: float = 0.5) -> Tensor:
    """Cosines in which that of the label, cos θ, is lowered to cos(θ + margin).

    Past θ = π - margin, where cos(θ + margin) would rise again, it is cos θ - margin * sin(margin) instead, as the
    authors' own code does: the further off, the lower, at the price of a step there. Where θ is 0 or π up to rounding,
    the sine is taken to be 0 and passes no gradient, because its own is infinite.

    Args:
        labels: `int[B]`, from 0 to C - 1.
        cosines: `float[B, C]`; narrower than float32 is computed in float32.
        margin: In radians, at least 0 and below π / 2; the paper's 0.5 is 28.6 degrees.

    Returns:
        `float[B, C]`; the other classes' cosines unchanged.

    Raises:
        ValueError: If the margin is out of range, or the shapes do not fit.

    Source: Deng et al. 2019, "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", equation 3.

    Example:
        >>> additive_angular_margin([0], [[0.5, 0.5, -1.0]], margin=math.pi / 6).numpy().round(3)
        array([[ 0. ,  0.5, -1. ]], dtype=float32)
    """
    check_margin(margin)
    labels, cosines = as_rows(labels, cosines, "cosines")
    squared_sines = 1 - ops.square(cosines)
    oblique = squared_sines > _TINY
    sines = ops.where(oblique, ops.sqrt(ops.where(oblique, squared_sines, 1)), 0)
    widened = cosines * math.cos(margin) - sines * math.sin(margin)
    past = cosines - margin * math.sin(margin)
    lowered = ops.where(cosines > -math.cos(margin), widened, past)
    right = labels[:, None] == ops.arange(ops.shape(cosines)[1], dtype="int64")
    return ops.where(right, lowered, cosines)


def check_margin(margin: float) -> None:
    """Raises a `ValueError` unless `margin` is at least 0 and below π / 2."""
    if not 0 <= margin < math.pi / 2:
        raise ValueError(f"margin is {margin!r}: it must be at least 0 and below π / 2, in radians")


@keras.saving.register_keras_serializable(package="anchorline")
class ArcFace(Objective):
    """A head of one direction a class, `float32[C, D]`: the term `"cross_entropy"`, with the margin on the label.

    The logits, of which it knows no label, have no margin: `scale * cosine`. So the cross-entropy that it reports is
    above that of the logits, in validation as in training.

    Args:
        classes: How many there are.
        dimensions: The size of a feature vector.
        scale: Above 0, what cosines are multiplied by.
        margin: In radians, see `additive_angular_margin`.
        name: Of the layer.
    """

    def __init__(
        self, classes: int, dimensions: int, *, scale: float = 30.0, margin: float = 0.5, name: str | None = None
    ) -> None:
        super().__init__(classes, dimensions, name)
        check_scale(scale)
        check_margin(margin)
        self.scale = scale
        self.margin = margin
        self.directions = self.add_weight(shape=(classes, dimensions), initializer="glorot_uniform", name="directions")

    @property
    def term_weights(self) -> dict[str, float]:
        """Cross-entropy alone."""
        return {CROSS_ENTROPY: 1.0}

    def logits(self, features: Tensor) -> Tensor:
        """Scaled cosines with the directions of the classes, `float32[N, C]`."""
        return self.scale * self._cosines(features)

    def terms(self, features: Tensor, labels: Tensor, training: bool = False) -> dict[str, Tensor]:
        """Cross-entropy with the margin."""
        del training
        cosines = additive_angular_margin(labels, self._cosines(features), margin=self.margin)
        return {CROSS_ENTROPY: smoothed_cross_entropy(labels, self.scale * cosines, smoothing=0.0)}

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "scale": self.scale, "margin": self.margin}

    def _cosines(self, features: Tensor) -> Tensor:
        return cosine_scores(ops.cast(features, self.compute_dtype), self.directions)
