"""Questions to answers: two towers whose cosine is trained, validated and served."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from components.encoders.tower import Tower
from components.losses.scores import cosine_scores, unit_vectors
from components.parts import Side


class MatchModel(keras.Model):
    """Scores every question of a batch against every answer of the batch.

    Its output goes with labels `bool[B, B]`, true where the answer is a right one for the question.
    """

    def __init__(self, towers: Mapping[str, Tower]) -> None:
        super().__init__(name="match")
        self.question = towers["question"]
        self.answer = towers["answer"]

    def call(self, features: dict[Side, Any], training: bool = False) -> tf.Tensor:
        """Cosines, float32[B, B], of featurized questions (rows) with featurized answers (columns)."""
        questions = self.question(features["question"], training=training)
        answers = self.answer(features["answer"], training=training)
        return self.scores(questions, answers)

    def scores(self, questions: tf.Tensor, candidates: tf.Tensor) -> tf.Tensor:
        """Cosines, float32[B, C], of question vectors, float[B, D], with candidate vectors, float[C, D]."""
        return cosine_scores(questions, candidates)

    def encode(self, side: Side, raw: tf.Tensor) -> tf.Tensor:
        """Unit vectors, float32[N, D], of raw texts or pictures, string[N]."""
        tower: Tower = getattr(self, side)
        return unit_vectors(tower(tower.featurize(raw)))


def key(raw: tf.Tensor) -> tf.Tensor:
    """A 62-bit fingerprint, int64[N], by which equal texts or pictures, string[N], are known."""
    return tf.strings.to_hash_bucket_fast(raw, 2**62)
