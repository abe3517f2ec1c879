"""Which answers are right for a question that has several: none of them counts as wrong for it."""

import numpy as np
import tensorflow as tf

_MULTIPLIER = 0x9E3779B97F4A7C15 - 2**64  # odd, so that no two questions fall together: 2**64 over the golden ratio


class RightAnswers(tf.Module):
    """The pairs of every question with more than one answer, by fingerprints of both.

    Args:
        questions: int64[R], keys of the questions of all rows; see `match.key`.
        answers: int64[R], keys of their answers.
    """

    def __init__(self, questions: np.ndarray, answers: np.ndarray) -> None:
        super().__init__(name="right_answers")
        pairs = np.unique(np.stack([questions, answers], axis=1), axis=0)
        _, place, count = np.unique(pairs[:, 0], return_inverse=True, return_counts=True)
        several = pairs[count[place] > 1]
        fingerprints = np.sort(several[:, 0] * np.int64(_MULTIPLIER) + several[:, 1])
        self.pairs = tf.Variable(fingerprints, trainable=False, name="pairs")
        self.empty = not len(fingerprints)

    def matrix(self, questions: tf.Tensor, answers: tf.Tensor) -> tf.Tensor:
        """Whether each answer is known as right for each question, bool[N, C].

        True only for questions with several answers.

        Args:
            questions: int64[N], keys.
            answers: int64[C], keys.
        """
        if self.empty:
            return tf.zeros([tf.size(questions), tf.size(answers)], tf.bool)
        wanted = questions[:, tf.newaxis] * _MULTIPLIER + answers[tf.newaxis, :]
        place = tf.searchsorted(self.pairs, tf.reshape(wanted, [-1]))
        found = tf.gather(self.pairs, tf.minimum(place, tf.size(self.pairs) - 1))
        return tf.reshape(tf.equal(found, tf.reshape(wanted, [-1])), tf.shape(wanted))
