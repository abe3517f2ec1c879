"""An index of many small partitions, of which a query looks only into the nearest.

An inverted file (Jégou et al., 2011, "Product Quantization for Nearest Neighbor Search") without the quantiser. Vectors
are rotated onto their principal axes, which leaves products as they are, and stored in two pieces, sorted by partition:
the head, the axes that tell most apart, and the tail. A query takes the partitions with the nearest centres, of these
the vectors with the best heads, which is a short list, and of the short list alone it compares the whole vectors.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from components.search.blocks import in_blocks
from components.search.index import Found, Index


class Layout(NamedTuple):
    """Vectors as they lie in partitions."""

    rotation: np.ndarray
    """float32[D, D], orthogonal."""
    centers: np.ndarray
    """float32[P, H], of heads."""
    starts: np.ndarray
    """int32[P + 1], of each partition among the vectors."""
    head: np.ndarray
    """float32[C, H], the first axes of rotated vectors."""
    tail: np.ndarray
    """float32[C, D - H], the other axes."""


class Reach(NamedTuple):
    """How far a query looks."""

    probes: int
    """Partitions."""
    shortlist: int
    """Vectors of these that are compared exactly."""


def half_squares(centers: np.ndarray) -> np.ndarray:
    """float32[P]: of the centres, what a query's products with them lack to tell which is nearest."""
    halves: np.ndarray = np.sum(centers**2, axis=1) / 2
    return halves


class Partitions(Index):
    """Vectors in partitions.

    Args:
        layout: the vectors.
        reach: how far a query looks; further where it takes more to find k.
    """

    uncompressed = ("rotation", "centers", "half_squares")
    """What an export stores exactly: small, and by it the reach was told."""

    def __init__(self, layout: Layout, reach: Reach) -> None:
        super().__init__(name="partitions")
        self.reach = reach
        self.size = len(layout.head)
        sizes = np.diff(layout.starts)
        self._smallest = np.cumsum(np.sort(sizes))
        self.rotation = tf.Variable(layout.rotation, trainable=False, name="rotation")
        self.centers = tf.Variable(layout.centers, trainable=False, name="centers")
        self.half_squares = tf.Variable(half_squares(layout.centers), trainable=False, name="half_squares")
        self.starts = tf.Variable(layout.starts, trainable=False, name="starts")
        self.head = tf.Variable(layout.head, trainable=False, name="head")
        self.tail = tf.Variable(layout.tail, trainable=False, name="tail")

    def products(self, queries: tf.Tensor) -> tf.Tensor:
        """Exact inner products, float32[N, C], in the order of the partitions."""
        head, tail = self._turned(queries)
        return tf.matmul(head, self.head, transpose_b=True) + tf.matmul(tail, self.tail, transpose_b=True)

    def nearest(self, queries: tf.Tensor, k: int, bonus: tf.Tensor | None = None) -> Found:
        """The k vectors of the largest scores among those that the query looks at.

        With a bonus these are the short list and as many again of the largest bonus.
        """
        k = min(k, self.size)
        rows = {"queries": queries} if bonus is None else {"queries": queries, "bonus": bonus}
        spec = Found(tf.TensorSpec([1, k], tf.float32), tf.TensorSpec([1, k], tf.int32))
        return in_blocks(lambda row: self._nearest(k, **row), rows, 1, spec, parallel=2)

    def _nearest(self, k: int, queries: tf.Tensor, bonus: tf.Tensor | None = None) -> Found:
        """Of one query, [1, D]: what it gathers stays in the processor's cache."""
        head, tail = self._turned(queries)
        places = self._shortlist(head, tf.norm(queries), k)
        if bonus is not None:
            favoured = tf.math.top_k(bonus[0], min(max(k, self.reach.shortlist), self.size)).indices
            places = tf.unique(tf.concat([places, favoured], axis=0)).y
        scores = tf.linalg.matvec(tf.gather(self.head, places), head[0])
        scores += tf.linalg.matvec(tf.gather(self.tail, places), tail[0])
        if bonus is not None:
            scores += tf.gather(bonus[0], places)
        found = tf.math.top_k(scores, k)
        return Found(found.values[tf.newaxis], tf.gather(places, found.indices)[tf.newaxis])

    def _shortlist(self, head: tf.Tensor, length: tf.Tensor, k: int) -> tf.Tensor:
        """Places of the best heads in the partitions nearest to the query's direction, at least k."""
        enough = int(np.searchsorted(self._smallest, k)) + 1  # partitions that hold k vectors, whichever they are
        probes = min(max(self.reach.probes, enough), len(self._smallest))
        nearness = tf.linalg.matvec(self.centers, head[0]) - length * self.half_squares
        partitions = tf.math.top_k(nearness, probes, sorted=False).indices
        places = tf.ragged.range(tf.gather(self.starts, partitions), tf.gather(self.starts, partitions + 1)).flat_values
        scores = tf.linalg.matvec(tf.gather(self.head, places), head[0])
        most = tf.minimum(max(k, self.reach.shortlist), tf.size(places))
        return tf.gather(places, tf.math.top_k(scores, most, sorted=False).indices)

    def _turned(self, queries: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        turned = tf.matmul(queries, self.rotation)
        width = self.head.shape[1]
        return turned[:, :width], turned[:, width:]
