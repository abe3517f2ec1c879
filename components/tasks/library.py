"""The candidate library: every answer the model can give, the search through it, and ranks in it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from components.search.blocks import in_blocks
from components.search.similarity import Similarity
from components.tasks.right_answers import RightAnswers

_BLOCK = 64  # questions ranked together, fewer where there are many candidates
_CELLS = 2**24  # scores at once; each needs some 13 bytes
_ROUNDING = 1e-6  # a matrix product rounds its last columns otherwise than the others


class Ranking(NamedTuple):
    """The best candidates of each question, best first."""

    ids: tf.Tensor
    candidates: tf.Tensor
    scores: tf.Tensor


class Ranker(tf.Module):
    """Where the right one is among candidates.

    Ranks are exact whatever the index: an index knows the best few, but the rank of an answer that it has not found it
    cannot tell. What an index misses is measured by itself, where it is chosen.

    Args:
        keys: int64[C], each once; see `match.key`.
        similarity: what scores them, in the same order.
        right: what else is right for a question.
    """

    def __init__(self, keys: tf.Tensor, similarity: Similarity, right: RightAnswers) -> None:
        super().__init__()
        self.right = right
        self.keys = keys
        self.similarity = similarity

    def rank(
        self, questions: tf.Tensor, question_keys: tf.Tensor, answer_keys: tf.Tensor, texts: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Rank of the right candidate, 1 is best.

        A candidate with the same score counts as better, and so does every one where a score is not a number: a model
        that has collapsed or diverged ranks last, not first. Other right answers of the question do not count.

        Args:
            questions: float32[N, D], question vectors.
            question_keys: int64[N], of the questions.
            answer_keys: int64[N], of the right answers.
            texts: string[N], the questions; needed where TF-IDF is part of the score.

        Returns:
            float32[N]; library size + 1 where the library does not hold the answer.
        """
        block = max(1, min(_BLOCK, _CELLS // max(1, self.similarity.index.size)))
        rows = questions, question_keys, answer_keys, _texts(texts, questions)
        return in_blocks(lambda few: self._rank_block(*few), rows, block, tf.TensorSpec([block], tf.float32))

    def _rank_block(
        self, questions: tf.Tensor, question_keys: tf.Tensor, answer_keys: tf.Tensor, texts: tf.Tensor
    ) -> tf.Tensor:
        scores = self.similarity.scores(questions, texts)
        right = tf.equal(answer_keys[:, tf.newaxis], self.keys[tf.newaxis, :])
        score = tf.reduce_max(tf.where(right, scores, -2.0), axis=1, keepdims=True)
        not_better = tf.logical_or(scores < score - _ROUNDING, right)
        if not self.right.empty:
            not_better = tf.logical_or(not_better, self.right.matrix(question_keys, self.keys))
        return 1.0 + tf.reduce_sum(tf.cast(tf.logical_not(not_better), tf.float32), axis=1)


class Library(Ranker):
    """Candidates, all in the order of the index.

    Args:
        ids: string[C].
        shown: string[C], what a search returns of each: a text itself, of a picture its id.
        keys: int64[C], each once; see `match.key`.
        similarity: what scores them.
        right: what else is right for a question.
    """

    def __init__(
        self,
        ids: Sequence[bytes],
        shown: Sequence[bytes],
        keys: np.ndarray | tf.Tensor,
        similarity: Similarity,
        right: RightAnswers,
    ) -> None:
        super().__init__(tf.Variable(keys, trainable=False, name="keys"), similarity, right)
        self.ids = tf.Variable(ids, dtype=tf.string, trainable=False, name="ids")
        self.shown = tf.Variable(shown, dtype=tf.string, trainable=False, name="shown")

    @property
    def size(self) -> int:
        """Number of candidates."""
        return int(self.ids.shape[0])

    def search(self, questions: tf.Tensor, k: int, texts: tf.Tensor | None = None) -> Ranking:
        """The k (or as many as there are) best candidates.

        Args:
            questions: float32[N, D], question vectors.
            k: how many.
            texts: string[N], the questions; needed where TF-IDF is part of the score.
        """
        scores, places = self.similarity.nearest(questions, _texts(texts, questions), k)
        return Ranking(tf.gather(self.ids, places), tf.gather(self.shown, places), scores)


def _texts(texts: tf.Tensor | None, questions: tf.Tensor) -> tf.Tensor:
    return tf.fill([tf.shape(questions)[0]], "") if texts is None else texts
