"""The candidate library: every answer the model can give, and the search through it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from components.tasks.right_answers import RightAnswers

_BLOCK = 64  # questions ranked together; each needs some 13 bytes for every candidate


class Ranking(NamedTuple):
    """The best candidates of each question, best first."""

    ids: tf.Tensor
    candidates: tf.Tensor
    scores: tf.Tensor


class Ranker(tf.Module):
    """Where the right one is among candidates.

    Args:
        keys: int64[C], each once; see `match.key`.
        vectors: float32[C, D], unit length.
        right: what else is right for a question.
    """

    def __init__(self, keys: tf.Tensor, vectors: tf.Tensor, right: RightAnswers) -> None:
        super().__init__()
        self.right = right
        self.keys = keys
        self.vectors = vectors

    def rank(self, questions: tf.Tensor, question_keys: tf.Tensor, answer_keys: tf.Tensor) -> tf.Tensor:
        """Rank of the right candidate, 1 is best.

        A candidate with the same score counts as better, and so does every one where a score is not a number: a model
        that has collapsed or diverged ranks last, not first. Other right answers of the question do not count.

        Args:
            questions: float32[N, D], question vectors.
            question_keys: int64[N], of the questions.
            answer_keys: int64[N], of the right answers.

        Returns:
            float32[N]; library size + 1 where the library does not hold the answer.
        """
        rows = tf.shape(questions)[0]
        missing = -rows % _BLOCK
        blocks = (
            tf.reshape(tf.pad(questions, [[0, missing], [0, 0]]), [-1, _BLOCK, questions.shape[1]]),
            tf.reshape(tf.pad(question_keys, [[0, missing]]), [-1, _BLOCK]),
            tf.reshape(tf.pad(answer_keys, [[0, missing]]), [-1, _BLOCK]),
        )
        ranks = tf.map_fn(
            self._rank_block, blocks, parallel_iterations=1, fn_output_signature=tf.TensorSpec([_BLOCK], tf.float32)
        )
        return tf.reshape(ranks, [-1])[:rows]

    def _rank_block(self, block: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tf.Tensor:
        questions, question_keys, answer_keys = block
        scores = tf.matmul(questions, self.vectors, transpose_b=True)
        right = tf.equal(answer_keys[:, tf.newaxis], self.keys[tf.newaxis, :])
        score = tf.reduce_max(tf.where(right, scores, -2.0), axis=1, keepdims=True)
        not_better = tf.logical_or(scores < score, right)
        if not self.right.empty:
            not_better = tf.logical_or(not_better, self.right.matrix(question_keys, self.keys))
        return 1.0 + tf.reduce_sum(tf.cast(tf.logical_not(not_better), tf.float32), axis=1)


class Library(Ranker):
    """Candidates with their vectors.

    Args:
        ids: string[C].
        shown: string[C], what a search returns of each: a text itself, of a picture its id.
        keys: int64[C], each once; see `match.key`.
        vectors: float32[C, D], unit length.
        right: what else is right for a question.
    """

    def __init__(
        self,
        ids: Sequence[bytes],
        shown: Sequence[bytes],
        keys: np.ndarray | tf.Tensor,
        vectors: tf.Tensor,
        right: RightAnswers,
    ) -> None:
        super().__init__(
            tf.Variable(keys, trainable=False, name="keys"),
            tf.Variable(vectors, trainable=False, name="vectors"),
            right,
        )
        self.ids = tf.Variable(ids, dtype=tf.string, trainable=False, name="ids")
        self.shown = tf.Variable(shown, dtype=tf.string, trainable=False, name="shown")

    @property
    def size(self) -> int:
        """Number of candidates."""
        return int(self.ids.shape[0])

    def search(self, questions: tf.Tensor, k: int) -> Ranking:
        """The k (or as many as there are) nearest candidates of question vectors, float32[N, D], by cosine."""
        scores, places = tf.math.top_k(tf.matmul(questions, self.vectors, transpose_b=True), min(k, self.size))
        return Ranking(tf.gather(self.ids, places), tf.gather(self.shown, places), scores)
