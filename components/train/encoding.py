"""Vectors of any number of texts."""

from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf

from components.encoders.tower import Tower

BATCH = 512


class Encoder:
    """Runs one tower in batches, in graphs that are traced once.

    Args:
        tower: with the weights it has at each call.
    """

    def __init__(self, tower: Tower) -> None:
        self._featurize = tf.function(tower.featurize, input_signature=[tf.TensorSpec([None], tf.string)])
        self._encode = tf.function(tower, reduce_retracing=True)

    def __call__(self, texts: Sequence[str] | tf.Tensor) -> tf.Tensor:
        """Unit vectors, float32[N, D]; holds the features of one batch at a time."""
        return self.encode(self._featurize(batch) for batch in _batches(texts))

    def featurize(self, texts: Sequence[str] | tf.Tensor) -> list[Any]:
        """The tower's features, batch by batch, for texts that are encoded again and again."""
        return [self._featurize(batch) for batch in _batches(texts)]

    def encode(self, features: Iterable[Any]) -> tf.Tensor:
        """Unit vectors, float32[N, D], of what `featurize` returned."""
        return tf.concat([self._encode(batch) for batch in features], axis=0)


def _batches(texts: Sequence[str] | tf.Tensor) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(tf.constant(texts)).batch(BATCH)
