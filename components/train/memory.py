"""Cross-batch memory: candidates of recent batches, whose vectors serve as further negatives.

Source: Wang et al. 2020, "Cross-Batch Memory for Embedding Learning". A vector stays as it was when it was encoded; it
is of use as long as the encoder moves slowly.
"""

import keras
import tensorflow as tf

from components.losses.scores import unit_vectors
from components.tasks.right_answers import RightAnswers


class CandidateMemory(keras.layers.Layer):
    """The last `size` candidates, first in, first out.

    Args:
        size: how many.
        dimensions: of a vector.
        right: what is right for a question that has several answers.
    """

    def __init__(self, size: int, dimensions: int, right: RightAnswers) -> None:
        super().__init__(name="memory", trainable=False)
        self.size = size
        self.right = right
        self.vectors = tf.Variable(tf.zeros([size, dimensions]), trainable=False, name="vectors")
        self.keys = tf.Variable(tf.zeros([size], tf.int64), trainable=False, name="keys")
        self.pushed = tf.Variable(0, trainable=False, dtype=tf.int64, name="pushed")

    def useless(self, question_keys: tf.Tensor, answer_keys: tf.Tensor) -> tf.Tensor:
        """What does not count for a question: what is right for it, and the places of nothing yet, bool[B, size].

        Args:
            question_keys: int64[B]; see `match.key`.
            answer_keys: int64[C], of candidates, the first B of which are their answers.
        """
        right = tf.equal(answer_keys[: tf.size(question_keys), tf.newaxis], self.keys[tf.newaxis, :])
        right |= self.right.matrix(question_keys, self.keys)
        return right | (tf.range(self.size, dtype=tf.int64) >= self.pushed)

    def push(self, candidates: tf.Tensor, keys: tf.Tensor) -> None:
        """Remember candidates, float32[C, D], with their keys, int64[C], in the place of the oldest."""
        candidates, keys = unit_vectors(candidates)[-self.size :], keys[-self.size :]
        count = tf.size(keys, tf.int64)
        places = ((self.pushed + tf.range(count)) % self.size)[:, tf.newaxis]
        self.vectors.assign(tf.tensor_scatter_nd_update(self.vectors, places, tf.stop_gradient(candidates)))
        self.keys.assign(tf.tensor_scatter_nd_update(self.keys, places, keys))
        self.pushed.assign_add(count)
