"""An index of many small partitions, of which a query looks only into the nearest.

An inverted file (Jégou et al., 2011, "Product Quantization for Nearest Neighbor Search") without the quantiser. Vectors
are rotated onto their principal axes, which leaves products as they are, and stored in two pieces, sorted by partition:
the head, the axes that tell most apart, and the tail. A query takes the partitions with the nearest centres, of these
the vectors with the best heads, which is a short list, and of the short list alone it reads the tails.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from components.search.blocks import in_blocks
from components.search.index import Found, Index
from components.search.largest import largest


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

    @property
    def sizes(self) -> np.ndarray:
        """int32[P], how many vectors each partition has."""
        return np.diff(self.starts)


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


def probes_for(reach: Reach, sizes: np.ndarray, k: int) -> int:
    """In how many partitions of these sizes a query for k vectors looks: enough to hold k, whichever they are."""
    enough = int(np.searchsorted(np.cumsum(np.sort(sizes)), k)) + 1
    return min(max(reach.probes, enough), len(sizes))


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
        self._sizes = layout.sizes
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

        With a bonus it looks at those of the largest bonus, too, wherever they lie.
        """
        k = min(k, self.size)
        head, tail = self._turned(queries)
        rows = {"head": head, "tail": tail, "partitions": self._probed(head, tf.norm(queries, axis=1), k)}
        if bonus is not None:
            rows["bonus"] = tf.ensure_shape(bonus, [None, self.size])
        spec = Found(tf.TensorSpec([1, k], tf.float32), tf.TensorSpec([1, k], tf.int32))
        return in_blocks(lambda row: self._nearest(k, **row), rows, 1, spec, parallel=2)

    def _probed(self, heads: tf.Tensor, lengths: tf.Tensor, k: int) -> tf.Tensor:
        """The partitions nearest to each query's direction, int32[N, probes]."""
        directions = tf.math.divide_no_nan(heads, lengths[:, tf.newaxis])
        nearness = tf.matmul(directions, self.centers, transpose_b=True) - self.half_squares
        return largest(nearness, probes_for(self.reach, self._sizes, k)).indices

    def _nearest(
        self, k: int, head: tf.Tensor, tail: tf.Tensor, partitions: tf.Tensor, bonus: tf.Tensor | None = None
    ) -> Found:
        """Of one query, every argument of one row: what it gathers stays in the processor's cache."""
        first, last = tf.gather(self.starts, partitions[0]), tf.gather(self.starts, partitions[0] + 1)
        places = tf.ragged.range(first, last).flat_values
        most = max(k, self.reach.shortlist)
        if bonus is not None:
            favoured = largest(bonus, min(most, self.size)).indices[0]
            places = tf.unique(tf.concat([places, favoured], axis=0)).y
        scores = tf.linalg.matvec(tf.gather(self.head, places), head[0])
        if bonus is not None:
            scores += tf.gather(bonus[0], places)
        short = tf.math.top_k(scores, tf.minimum(most, tf.size(places)), sorted=False)
        places = tf.gather(places, short.indices)
        found = tf.math.top_k(short.values + tf.linalg.matvec(tf.gather(self.tail, places), tail[0]), k)
        return Found(found.values[tf.newaxis], tf.gather(places, found.indices)[tf.newaxis])

    def _turned(self, queries: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        turned = tf.matmul(queries, self.rotation)
        width = self.head.shape[1]
        return turned[:, :width], turned[:, width:]
