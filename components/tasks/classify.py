"""One encoder and a softmax head: what a text or a picture is, and how sure that is."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from components.encoders.tower import Tower
from components.losses.objective import Objective


class Classified(NamedTuple):
    """All classes of each row, the most probable first."""

    labels: tf.Tensor
    probabilities: tf.Tensor


class ClassifyModel(keras.Model):
    """Features of one tower, trained on an objective; every term of it is a metric of its own, and so is the accuracy.

    It is fit on (features of the tower, int64[B] label ids).
    """

    def __init__(self, tower: Tower, objective: Objective, labels: Sequence[bytes]) -> None:
        super().__init__(name="classify")
        self.tower = tower
        self.objective = objective
        self.labels = tf.constant(labels, tf.string)
        self._terms = {name: keras.metrics.Mean(name) for name in objective.term_weights}
        self._accuracy = keras.metrics.SparseCategoricalAccuracy("accuracy")

    def call(self, features: Any, training: bool = False) -> tf.Tensor:
        """Feature vectors, float32[B, D], as the tower makes them."""
        return self.tower(features[self.tower.name], training=training)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> tf.Tensor:
        """The objective's total and what regularises the weights; counts each term and the accuracy on the way.

        Of several replicas, whose gradients are added up, each has its part of it.
        """
        del x, sample_weight
        terms = self.objective.terms(y_pred, y, training=training)
        for name, values in terms.items():
            self._terms[name].update_state(values)
        self._accuracy.update_state(y, self.objective.logits(y_pred))
        return tf.add_n([self.objective.total(terms), *self.losses]) / tf.distribute.get_strategy().num_replicas_in_sync

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Loss, accuracy and each term so far."""
        del x, y, y_pred, sample_weight
        return self.get_metrics_result()

    def probabilities(self, features: tf.Tensor) -> tf.Tensor:
        """Softmax, float32[N, C], of feature vectors, float32[N, D]."""
        return tf.nn.softmax(self.objective.logits(features))

    def classify(self, features: tf.Tensor) -> Classified:
        """Labels and probabilities of feature vectors."""
        probabilities, ids = tf.math.top_k(self.probabilities(features), len(self.labels))
        return Classified(tf.gather(self.labels, ids), probabilities)

    def vectors(self, raw: tf.Tensor) -> tf.Tensor:
        """Feature vectors, float32[N, D], of raw texts or pictures, string[N]."""
        return self.tower(self.tower.featurize(raw))
