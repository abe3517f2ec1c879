"""Questions to answers: two towers whose cosine is trained, validated and served."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from components.encoders.tower import Tower
from components.losses.scores import cosine_scores, unit_vectors
from components.parts import Side


class MatchModel(keras.Model):
    """Scores every question of a batch against every answer of the batch.

    Its output goes with labels `bool[B, B]`, true where the answer is a right one for the question.

    Args:
        towers: of question and answer.
        sizes: how many of a vector's first numbers are scored, each by itself; all, if there are none.
        loss_parts: what the loss learns, see `PairLoss.parts`.
    """

    def __init__(
        self, towers: Mapping[str, Tower], sizes: Sequence[int] = (), loss_parts: Sequence[keras.layers.Layer] = ()
    ) -> None:
        super().__init__(name="match")
        self.question = towers["question"]
        self.answer = towers["answer"]
        self.sizes = tuple(sizes)
        self.loss_parts = list(loss_parts)

    def call(self, features: dict[Side, Any], training: bool = False) -> tf.Tensor:
        """Cosines of featurized questions (rows) with featurized answers (columns).

        Returns:
            float32[B, B], or float32[B, B, S] if there are sizes.
        """
        questions = self.question(features["question"], training=training)
        answers = self.answer(features["answer"], training=training)
        return self.scores(questions, answers)

    def scores(self, questions: tf.Tensor, candidates: tf.Tensor) -> tf.Tensor:
        """Cosines of question vectors, float[B, D], with candidate vectors, float[C, D].

        Returns:
            float32[B, C], or float32[B, C, S] if there are sizes.
        """
        if not self.sizes:
            return cosine_scores(questions, candidates)
        return tf.stack([cosine_scores(questions[:, :size], candidates[:, :size]) for size in self.sizes], axis=2)

    def encode(self, side: Side, raw: tf.Tensor, dimensions: int | None = None) -> tf.Tensor:
        """Unit vectors, float32[N, D], of raw texts or pictures, string[N]; of the first numbers alone, if so many."""
        tower: Tower = getattr(self, side)
        return unit_vectors(tower(tower.featurize(raw))[:, :dimensions])


def key(raw: tf.Tensor) -> tf.Tensor:
    """A 62-bit fingerprint, int64[N], by which equal texts or pictures, string[N], are known."""
    return tf.strings.to_hash_bucket_fast(raw, 2**62)
