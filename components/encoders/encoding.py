"""Vectors of any number of texts or pictures."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from components.encoders.tower import Tower

BATCH = 512


class Encoder:
    """Runs one tower in batches, in graphs that are traced once.

    Args:
        tower: with the weights it has at each call.
    """

    def __init__(self, tower: Tower) -> None:
        self._featurize = tower.featurizer()
        self._encode = tf.function(tower, reduce_retracing=True)

    def __call__(self, raw: Sequence[bytes] | Sequence[str] | np.ndarray) -> tf.Tensor:
        """Vectors, float32[N, D]; holds the features of one batch at a time."""
        return self.encode(self._featurize(batch) for batch in batches_of(raw))

    def featurize(self, raw: Sequence[bytes] | Sequence[str]) -> list[Any]:
        """The tower's features, batch by batch, for what is encoded again and again."""
        return [self._featurize(batch) for batch in batches_of(raw)]

    def encode(self, features: Iterable[Any]) -> tf.Tensor:
        """Vectors, float32[N, D], of what `featurize` returned."""
        return tf.concat([self._encode(batch) for batch in features], axis=0)


def batches_of(raw: Sequence[bytes] | Sequence[str] | np.ndarray) -> Iterator[tf.Tensor]:
    """Texts or pictures in batches of at most BATCH, string[N] each."""
    for start in range(0, len(raw), BATCH):
        yield tf.constant(raw[start : start + BATCH], tf.string)
