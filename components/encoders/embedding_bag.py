"""The sum of a text's word embeddings, weighted by TF-IDF.

What fastText classifies by (Joulin et al., 2017, "Bag of Tricks for Efficient Text Classification"), with the weights
that TF-IDF gives: (1 + log tf) · idf, scaled to a vector of length 1 a text, so that its length does not matter.
"""

from collections.abc import Iterable, Sequence

import keras
import tensorflow as tf

from components.encoders.settings import EmbeddingBagSettings
from components.encoders.terms import count_words, inverse_document_frequency
from components.encoders.tower import Tower

_SPREAD = 0.05  # of the first embeddings, uniform


class EmbeddingBagTower(Tower):
    """Words → TF-IDF weights → weighted sum of embeddings."""

    def __init__(self, settings: EmbeddingBagSettings, name: str) -> None:
        super().__init__(name=name)
        self.settings = settings
        self.dimensions = settings.dimensions
        self.idf = self.add_weight(name="idf", shape=(settings.buckets,), initializer="ones", trainable=False)
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(settings.buckets, settings.dimensions),
            initializer=keras.initializers.RandomUniform(-_SPREAD, _SPREAD),
        )
        self.dropout = keras.layers.Dropout(settings.word_dropout)
        self.built = True

    def adapt(self, raw: Iterable[tf.Tensor]) -> None:
        """Take the inverse document frequencies from these texts."""
        self.idf.assign(inverse_document_frequency(raw, self.featurize, self.settings.buckets))

    def featurize(self, raw: tf.Tensor) -> tf.SparseTensor:
        """Word frequencies, float32[N, buckets], sparse."""
        return count_words(raw, self.settings.buckets)

    def call(self, features: tf.SparseTensor, training: bool = False) -> tf.Tensor:
        """Vectors, float32[N, dimensions]."""
        row, word = features.indices[:, 0], features.indices[:, 1]
        weights = self.dropout(features.values * tf.gather(self.idf, word), training=training)
        square = tf.math.unsorted_segment_sum(tf.square(weights), row, features.dense_shape[0])
        weights *= tf.gather(tf.math.rsqrt(tf.where(square > 0, square, 1.0)), row)
        sparse = tf.SparseTensor(features.indices, weights, features.dense_shape)
        return tf.sparse.sparse_dense_matmul(sparse, tf.convert_to_tensor(self.embeddings))


def build_towers(settings: EmbeddingBagSettings, names: Sequence[str]) -> dict[str, Tower]:
    """Towers with embeddings of their own."""
    return {name: EmbeddingBagTower(settings, name) for name in names}
