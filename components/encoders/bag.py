"""A bag of words and character n-grams that starts as TF-IDF and learns how much each term matters.

Terms are hashed into buckets. A term weighs (1 + log tf) · idf · exp(θ); each tower learns its own θ, 0 at first, so
the untrained model is TF-IDF over the candidate library and the training questions: words that most questions have,
such as "what", say little even where few answers have them. Weighted terms are projected to a dense vector by a sparse
sign sketch, see `sketch`, which keeps cosines up to about 1/√dimensions.
"""

from collections.abc import Iterable, Sequence

import keras
import tensorflow as tf

from components.encoders.settings import BagSettings
from components.encoders.sketch import places
from components.encoders.terms import Count, inverse_document_frequency, term_counter
from components.encoders.tower import Tower
from components.losses.scores import unit_vectors


class Lexicon(keras.layers.Layer):
    """What both towers must agree on: how terms are counted, their idf, and where the sketch puts them."""

    def __init__(self, settings: BagSettings) -> None:
        super().__init__(name="lexicon", trainable=False)
        self.settings = settings
        self.idf = self.add_weight(name="idf", shape=(settings.buckets,), initializer="ones", trainable=False)
        self.count = term_counter(settings.buckets, settings.ngrams)

    def adapt(self, texts: Iterable[tf.Tensor]) -> None:
        """Take the inverse document frequencies from these texts."""
        self.idf.assign(inverse_document_frequency(texts, self.count, self.settings.buckets))

    def sketch(self, terms: tf.SparseTensor, weights: tf.Tensor) -> tf.Tensor:
        """Dense rows, float32[N, dimensions], of weighted terms; `weights` go with the entries of `terms`."""
        row, term = terms.indices[:, 0], terms.indices[:, 1]
        dimensions = self.settings.dimensions
        coordinates, signs = places(term, dimensions)
        cell = row[:, tf.newaxis] * dimensions + coordinates
        value = weights[:, tf.newaxis] * signs
        flat = tf.math.unsorted_segment_sum(value, cell, terms.dense_shape[0] * dimensions)
        return tf.reshape(flat, [-1, dimensions])


class BagTower(Tower):
    """Terms → learned weights → sketch → unit vector."""

    def __init__(self, lexicon: Lexicon, settings: BagSettings, name: str) -> None:
        super().__init__(name=name)
        self.lexicon = lexicon
        self.settings = settings
        self.dimensions = settings.dimensions
        self.log_weight = self.add_weight(
            name="log_weight",
            shape=(settings.buckets,),
            initializer="zeros",
            regularizer=keras.regularizers.L2(settings.weight_decay),
        )
        self.dropout = keras.layers.Dropout(settings.term_dropout)
        self.built = True

    def adapt(self, raw: Iterable[tf.Tensor]) -> None:
        """Take the inverse document frequencies from these texts."""
        self.lexicon.adapt(raw)

    def featurize(self, raw: tf.Tensor) -> tf.SparseTensor:
        """Term frequencies, float32[N, buckets], sparse."""
        return self.lexicon.count(raw)

    def featurizer(self) -> Count:
        """The lexicon's graph, as it is: another around it would have to be traced and optimised as well."""
        return self.lexicon.count

    def call(self, features: tf.SparseTensor, training: bool = False) -> tf.Tensor:
        """Unit vectors, float32[N, dimensions]."""
        term = features.indices[:, 1]
        weights = features.values * tf.gather(self.lexicon.idf, term) * tf.exp(tf.gather(self.log_weight, term))
        return unit_vectors(self.lexicon.sketch(features, self.dropout(weights, training=training)))


def build_towers(settings: BagSettings, names: Sequence[str]) -> dict[str, Tower]:
    """Towers with one lexicon and term weights of their own."""
    lexicon = Lexicon(settings)
    return {name: BagTower(lexicon, settings, name) for name in names}
