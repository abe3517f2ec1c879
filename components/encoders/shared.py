"""What the pretrained encoders have in common: a body that all towers share, and one tower's view of it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

import keras
import tensorflow as tf

from components.encoders.directions import main_directions
from components.encoders.tower import Tower


class Body(keras.layers.Layer, ABC):
    """Raw values → features → one pretrained vector a row → perhaps fewer numbers.

    Args:
        rate: learning rate of the pretrained weights at the top.
        layer_decay: each depth below learns at so many times the rate of the one above it.
        name: of the layer.
    """

    adapt_rows: int
    """To find a projection with."""

    projection: keras.Variable | None = None

    def __init__(self, rate: float, layer_decay: float, name: str) -> None:
        super().__init__(name=name)
        self.rate, self.layer_decay = rate, layer_decay

    @abstractmethod
    def featurize(self, raw: tf.Tensor) -> tf.Tensor:
        """Features of raw texts or encoded pictures, string[N]."""

    @abstractmethod
    def pooled(self, features: tf.Tensor) -> tf.Tensor:
        """One vector for each row, float32[N, width], while nothing is learnt."""

    @abstractmethod
    def depths(self) -> Sequence[Sequence[keras.layers.Layer]]:
        """The layers with pretrained weights, those next to the input first."""

    def add_projection(self, width: int, dimensions: int | None) -> None:
        """Make vectors of `width` numbers smaller, if `dimensions` says to how many."""
        if dimensions is not None:
            self.projection = self.add_weight(name="projection", shape=(width, dimensions), initializer="orthogonal")

    def project(self, vectors: tf.Tensor) -> tf.Tensor:
        """Vectors, float32[N, width], as they are or with fewer numbers."""
        return vectors if self.projection is None else tf.matmul(vectors, tf.convert_to_tensor(self.projection))

    def find_projection(self, raw: Iterable[tf.Tensor]) -> None:
        """Project, if at all, to the directions in which the first rows, string[N] each, differ most."""
        if self.projection is not None:
            directions = main_directions(lambda batch: self.pooled(self.featurize(batch)), raw, self.adapt_rows)
            self.projection.assign(directions[:, : self.projection.shape[1]])

    def learning_rates(self) -> Mapping[str, float]:
        """Of the pretrained weights, by path: `rate` at the top, times `layer_decay` for each depth below."""
        return {
            weight.path: self.rate * self.layer_decay**below
            for below, layers in enumerate(reversed(self.depths()))
            for layer in layers
            for weight in layer.weights
        }


class SharedTower(Tower):
    """One side's view of a shared body."""

    def __init__(self, body: Body, dimensions: int, name: str, feature_bytes: int | None = None) -> None:
        super().__init__(name=name)
        self.body = body
        self.dimensions = dimensions
        self.feature_bytes = feature_bytes
        self.built = True

    def adapt(self, raw: Iterable[tf.Tensor]) -> None:
        """Find a projection to fewer dimensions, if there is one."""
        self.body.find_projection(raw)

    def featurize(self, raw: tf.Tensor) -> tf.Tensor:
        """Features as the body wants them."""
        return self.body.featurize(raw)

    def call(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Vectors, float32[N, dimensions]."""
        return self.body(features, training=training)

    def learning_rates(self) -> Mapping[str, float]:
        """Of the pretrained weights."""
        return self.body.learning_rates()
