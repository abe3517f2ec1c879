"""What every index of vectors offers."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import tensorflow as tf


class Found(NamedTuple):
    """The best candidates of each query, best first."""

    scores: tf.Tensor
    """float32[N, K]."""
    places: tf.Tensor
    """int32[N, K], among the index's vectors."""


class Index(tf.Module, ABC):
    """Unit vectors, found by their inner product with a query.

    A score is that product plus, where it is given, what else speaks for the candidate: `bonus`, float32[N, C].
    """

    size: int
    """C, the number of vectors."""

    @abstractmethod
    def products(self, queries: tf.Tensor) -> tf.Tensor:
        """Exact inner products, float32[N, C], of queries, float32[N, D], with all vectors."""

    @abstractmethod
    def nearest(self, queries: tf.Tensor, k: int, bonus: tf.Tensor | None = None) -> Found:
        """The k (or as many as there are) vectors of the largest scores; the scores are exact."""
