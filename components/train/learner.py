"""A `match` model that learns with a memory of candidates, or encodes its batches in parts."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from components.encoders.tower import Tower
from components.tasks.match import MatchModel
from components.train.memory import CandidateMemory
from components.train.micro_batches import Parts

SIDES = ("question", "answer")
KEYS = "keys"
"""Name among the features of the keys of both sides: `question`, int64[B], and `answer`, int64[C]; see `match.key`."""


class MatchLearner(MatchModel):
    """Differs from `MatchModel` in its training step alone.

    Args:
        towers, sizes, loss_parts: as `MatchModel` has them.
        memory: of candidates, if any.
        micro_batch: rows that are encoded at once; by default all.
    """

    def __init__(
        self,
        towers: Mapping[str, Tower],
        sizes: Sequence[int] = (),
        loss_parts: Sequence[keras.layers.Layer] = (),
        *,
        memory: CandidateMemory | None = None,
        micro_batch: int | None = None,
    ) -> None:
        super().__init__(towers, sizes, loss_parts)
        self.memory = memory
        self.micro_batch = micro_batch

    def train_step(self, batch: tuple[dict[str, Any], tf.Tensor]) -> dict[str, tf.Tensor]:
        """One step of features by side, with KEYS, and labels, bool[B, C]; returns the running mean of the loss."""
        features, positive = batch
        variables = self.trainable_variables
        whole = self.micro_batch is None
        loss, gradients = (self._whole if whole else self._in_parts)(features, positive, variables)
        if variables:  # there are none where all layers are frozen
            self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        self._loss_tracker.update_state(loss, sample_weight=tf.shape(positive)[0])
        return self.get_metrics_result()

    def _whole(self, features: Any, positive: tf.Tensor, variables: list[keras.Variable]) -> tuple[tf.Tensor, Any]:
        with tf.GradientTape() as tape:
            vectors = {side: getattr(self, side)(features[side], training=True) for side in SIDES}
            loss = self._loss(vectors, features, positive)
        return loss, tape.gradient(loss, [variable.value for variable in variables])

    def _in_parts(self, features: Any, positive: tf.Tensor, variables: list[keras.Variable]) -> tuple[tf.Tensor, Any]:
        assert self.micro_batch is not None  # noqa: S101
        values = [variable.value for variable in variables]
        parts, vectors = {}, {}
        for side in SIDES:  # one after the other, because they may share what draws
            parts[side] = Parts(getattr(self, side), features[side], self.micro_batch)
            vectors[side] = parts[side].encode()
        with tf.GradientTape() as tape:
            tape.watch(vectors)
            loss = self._loss(vectors, features, positive)
        gradients, upstream = tape.gradient(loss, (values, vectors), unconnected_gradients="zero")
        for side in SIDES:
            more = parts[side].gradients(upstream[side], values)
            gradients = [tf.convert_to_tensor(one) + other for one, other in zip(gradients, more, strict=True)]
        return loss, gradients

    def _loss(self, vectors: Mapping[str, tf.Tensor], features: Any, positive: tf.Tensor) -> tf.Tensor:
        questions, answers = (vectors[side] for side in SIDES)
        scores = self.scores(questions, answers)
        if self.memory is not None:
            keys = [features[KEYS][side] for side in SIDES]
            remembered = self.scores(questions, self.memory.vectors)
            scores = tf.concat([scores, remembered], axis=1)
            neither = -tf.cast(self.memory.useless(*keys), tf.int8)
            positive = tf.concat([tf.cast(positive, tf.int8), neither], axis=1)
            self.memory.push(answers, keys[1])
        return self.compute_loss(y=positive, y_pred=scores)
