"""The labelled rows that a classifier has learnt from, found again as nearest neighbours."""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from components.losses.scores import unit_vectors
from components.search.index import Index


class Neighbors(NamedTuple):
    """The nearest rows of each vector, nearest first."""

    ids: tf.Tensor
    labels: tf.Tensor
    scores: tf.Tensor


class References(tf.Module):
    """Labelled rows, found again by the cosine of their vectors.

    Args:
        ids: string[R], in the order of the index.
        labels: string[R].
        index: the rows' vectors.
    """

    def __init__(self, ids: Sequence[bytes], labels: Sequence[bytes], index: Index) -> None:
        super().__init__(name="references")
        self.ids = tf.Variable(ids, dtype=tf.string, trainable=False, name="ids")
        self.labels = tf.Variable(labels, dtype=tf.string, trainable=False, name="labels")
        self.index = index

    def nearest(self, vectors: tf.Tensor, k: int) -> Neighbors:
        """Ids, labels and cosines of the k (or as many as there are) nearest rows, nearest first, [N, K] each."""
        scores, places = self.index.nearest(unit_vectors(vectors), k)
        return Neighbors(tf.gather(self.ids, places), tf.gather(self.labels, places), scores)


def majority(labels: tf.Tensor) -> tf.Tensor:
    """The most frequent of each row's labels, string[N]; of equally frequent ones the first, which is the nearest.

    Args:
        labels: string[N, K], nearest first.
    """
    votes = tf.reduce_sum(tf.cast(labels[:, :, tf.newaxis] == labels[:, tf.newaxis, :], tf.int32), axis=2)
    return tf.gather(labels, tf.argmax(votes, axis=1), batch_dims=1)
