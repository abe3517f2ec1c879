"""The index that misses nothing: every vector is compared."""

import tensorflow as tf

from components.search.index import Found, Index
from components.search.largest import largest


class Exact(Index):
    """One matrix product.

    Args:
        vectors: float32[C, D], unit length; a variable where the index is to be exported.
    """

    def __init__(self, vectors: tf.Tensor | tf.Variable) -> None:
        super().__init__(name="exact")
        self.vectors = vectors
        self.size = int(vectors.shape[0])

    def products(self, queries: tf.Tensor) -> tf.Tensor:
        """Exact inner products, float32[N, C]."""
        return tf.matmul(queries, self.vectors, transpose_b=True)

    def nearest(self, queries: tf.Tensor, k: int, bonus: tf.Tensor | None = None) -> Found:
        """The k vectors of the largest scores; of equal ones the first."""
        scores = self.products(queries)
        if bonus is not None:
            scores += bonus
        return Found(*largest(scores, min(k, self.size)))
