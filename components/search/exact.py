"""The index that misses nothing: every vector is compared."""

import numpy as np
import tensorflow as tf

from components.search.index import Found, Index
from components.search.largest import largest


class Exact(Index):
    """One matrix product.

    Args:
        vectors: float32[C, D], unit length, of which it holds a copy: a vector by column, with which products of many
            queries take half to nine tenths as long, those of two or three, of some sizes, longer.
    """

    def __init__(self, vectors: tf.Tensor | np.ndarray) -> None:
        super().__init__(name="exact")
        self.columns = tf.Variable(tf.transpose(vectors), trainable=False, name="columns")
        self.size = int(vectors.shape[0])

    def products(self, queries: tf.Tensor) -> tf.Tensor:
        """Exact inner products, float32[N, C]."""
        return tf.matmul(queries, self.columns)

    def nearest(self, queries: tf.Tensor, k: int, bonus: tf.Tensor | None = None) -> Found:
        """The k (or as many as there are) vectors of the largest scores; of equal ones the first."""
        scores = self.products(queries)
        if bonus is not None:
            scores += bonus
        return Found(*largest(scores, min(k, self.size)))
