"""Vectors of any number of texts or pictures."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from components.encoders.tower import Tower

BATCH = 512
BATCH_BYTES = 1 << 24
"""Of a batch's features, where they have a fixed size; what the layers of a network make of them is many times that."""

MAX_KEPT = 1 << 29
"""Bytes of features of a fixed size that are kept; more are made anew each time."""

type Raw = Sequence[bytes] | Sequence[str] | np.ndarray


@dataclass(frozen=True)
class Anew:
    """Features of batches that are made whenever one goes through them."""

    raw: Raw
    rows: int
    featurize: Callable[[tf.Tensor], Any]

    def __len__(self) -> int:
        return math.ceil(len(self.raw) / self.rows)

    def __iter__(self) -> Iterator[Any]:
        return (self.featurize(batch) for batch in batches_of(self.raw, self.rows))


class Encoder:
    """Runs one tower in batches, in graphs that are traced once.

    Args:
        tower: with the weights it has at each call.
    """

    def __init__(self, tower: Tower) -> None:
        self._featurize = tower.featurizer()
        self._encode = tf.function(tower, reduce_retracing=True)
        self._row_bytes = tower.feature_bytes or 1

    def __call__(self, raw: Raw) -> tf.Tensor:
        """Vectors, float32[N, D]; holds the features of one batch at a time."""
        return self.encode(self._anew(raw))

    def featurize(self, raw: Sequence[bytes] | Sequence[str]) -> list[Any] | Anew:
        """The tower's features, batch by batch, for what is encoded again and again."""
        features = self._anew(raw)
        return features if len(raw) * self._row_bytes > MAX_KEPT else list(features)

    def encode(self, features: Iterable[Any]) -> tf.Tensor:
        """Vectors, float32[N, D], of what `featurize` returned."""
        return tf.concat([self._encode(batch) for batch in features], axis=0)

    def _anew(self, raw: Raw) -> Anew:
        return Anew(raw, max(1, min(BATCH, BATCH_BYTES // self._row_bytes)), self._featurize)


def batches_of(raw: Raw, rows: int | None = None) -> Iterator[tf.Tensor]:
    """Texts or pictures in batches of at most so many, by default BATCH, string[N] each."""
    rows = rows or BATCH
    for start in range(0, len(raw), rows):
        yield tf.constant(raw[start : start + rows], tf.string)
