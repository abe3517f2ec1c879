"""Center loss: features of one class gather around a centre, so that their nearest neighbours are of that class."""

from typing import Any

import keras
from keras import ops

from components.losses.cross_entropy import Softmax
from components.losses.objective import check_weight
from components.losses.pairs import Tensor
from components.losses.rows import as_rows

_FIRST = keras.initializers.RandomNormal(stddev=3.0)  # centres that start near each other hold the classes together


def center_distance(labels: Tensor, features: Tensor, centers: Tensor) -> Tensor:
    """The squared Euclidean distance of each feature to the centre of its class.

    Args:
        labels: `int[B]`, from 0 to C - 1.
        features: `float[B, D]`; narrower than float32 is computed in float32.
        centers: `float[C, D]`.

    Returns:
        `float[B]`; the paper's loss is half of it.

    Raises:
        ValueError: If the shapes do not fit.

    Source: Wen et al. 2016, "A Discriminative Feature Learning Approach for Deep Face Recognition", equation 2.

    Example:
        >>> center_distance([1, 0], [[1.0, 2.0], [3.0, 4.0]], [[3.0, 1.0], [0.0, 0.0]]).numpy().tolist()
        [5.0, 9.0]
    """
    labels, features = as_rows(labels, features, "features")
    return ops.sum(ops.square(features - _own_center(labels, features, centers)), axis=1)


def moved_centers(labels: Tensor, features: Tensor, centers: Tensor, *, rate: float) -> Tensor:
    """The centres after one step towards the features of their classes.

    `c_j - rate * sum of (c_j - x_i) over the n_j rows of class j / (1 + n_j)`: a class without rows stays where it is,
    and one with few moves less far. Of equal rows their number counts.

    Args:
        labels: `int[B]`, from 0 to C - 1.
        features: `float[B, D]`.
        centers: `float[C, D]`.
        rate: Above 0, at most 1; the paper's alpha, there 0.5.

    Returns:
        `float[C, D]`.

    Raises:
        ValueError: If the rate is out of range, or the shapes do not fit.

    Source: Wen et al. 2016, equation 4.

    Example:
        >>> moved_centers([1, 1], [[1.0, 2.0], [3.0, 4.0]], [[9.0, 9.0], [0.0, 0.0]], rate=0.5).numpy().round(3)
        array([[9.   , 9.   ],
               [0.667, 1.   ]], dtype=float32)
    """
    check_rate(rate)
    labels, features = as_rows(labels, features, "features")
    centers = ops.cast(centers, features.dtype)
    excess = _own_center(labels, features, centers) - features
    classes = centers.shape[0]
    sums = ops.segment_sum(excess, labels, num_segments=classes)
    rows = ops.segment_sum(ops.ones_like(excess[:, :1]), labels, num_segments=classes)
    return centers - rate * sums / (1 + rows)


def check_rate(rate: float) -> None:
    """Raises a `ValueError` unless `rate` is above 0 and at most 1."""
    if not 0 < rate <= 1:
        raise ValueError(f"rate is {rate!r}: it must be above 0 and at most 1")


def _own_center(labels: Tensor, features: Tensor, centers: Tensor) -> Tensor:
    return ops.cast(ops.take(centers, labels, axis=0), features.dtype)


@keras.saving.register_keras_serializable(package="anchorline")
class CenterLoss(keras.layers.Layer):
    """`center_distance` with the centres, `float32[C, D]`, that it owns.

    Args:
        classes: How many centres.
        dimensions: The size of a feature vector.
        rate: None trains the centres by gradient like an embedding table; a number moves them by `moved_centers` after
            each batch that is called with `training=True`, and gradients leave them alone.
        name: Of the layer.
    """

    def __init__(self, classes: int, dimensions: int, *, rate: float | None = None, name: str | None = None) -> None:
        super().__init__(name=name, dtype="float32")
        if rate is not None:
            check_rate(rate)
        self.classes = classes
        self.dimensions = dimensions
        self.rate = rate
        self.centers = self.add_weight(
            shape=(classes, dimensions), initializer=_FIRST, trainable=rate is None, name="centers"
        )
        self.built = True

    def call(self, features: Tensor, labels: Tensor, training: bool = False) -> Tensor:
        """Squared distances `float32[B]` of features `[B, D]` to the centres of their labels `[B]`, then the move."""
        distances = center_distance(labels, features, self.centers)
        if training and self.rate is not None:
            self.centers.assign(moved_centers(labels, features, self.centers, rate=self.rate))
        return distances

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"classes": self.classes, "dimensions": self.dimensions, "rate": self.rate, "name": self.name}


@keras.saving.register_keras_serializable(package="anchorline")
class SoftmaxWithCenters(Softmax):
    """Softmax cross-entropy and the squared distance to the class's centre: the term `"center"`.

    Args:
        classes: How many there are.
        dimensions: The size of a feature vector.
        smoothing: Of the cross-entropy.
        weight: Of the squared distance in the total, at least 0.
        rate: How the centres move, see `CenterLoss`.
        name: Of the layer.
    """

    def __init__(
        self,
        classes: int,
        dimensions: int,
        *,
        smoothing: float = 0.0,
        weight: float = 0.2,
        rate: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(classes, dimensions, smoothing=smoothing, name=name)
        check_weight(weight)
        self.weight = weight
        self.rate = rate
        self.center_loss = CenterLoss(classes, dimensions, rate=rate, name="center_loss")

    @property
    def term_weights(self) -> dict[str, float]:
        """Cross-entropy and `"center"`."""
        return {**super().term_weights, "center": self.weight}

    def terms(self, features: Tensor, labels: Tensor, training: bool = False) -> dict[str, Tensor]:
        """Smoothed cross-entropy and the squared distances to the centres."""
        distances = self.center_loss(features, labels, training=training)
        return {**super().terms(features, labels, training), "center": distances}

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "weight": self.weight, "rate": self.rate}
