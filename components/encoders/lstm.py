"""Embedding and LSTM, shared by the towers of a pair; the question passes one more dense layer."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from components.encoders.settings import LstmSettings
from components.encoders.tower import Tower
from components.transform.tokens import tokenize
from components.transform.vocabulary import Vocabulary

PADDING = 0


class LstmTower(Tower):
    """Token ids → embedding → LSTM → vector.

    Layers that both towers hold are shared. Tokens past `max_tokens` are cut.
    """

    reads_token_ids = True

    def __init__(
        self,
        *,
        vocabulary: Vocabulary,
        embedding: keras.layers.Layer,
        lstm: keras.layers.LSTM,
        head: keras.layers.Layer | None,
        max_tokens: int,
        name: str,
    ) -> None:
        super().__init__(name=name)
        self.vocabulary = vocabulary
        self.embedding = embedding
        self.lstm = lstm
        self.head = head
        self.max_tokens = max_tokens
        self.dimensions = lstm.units

    def featurize(self, raw: tf.Tensor) -> tf.Tensor:
        """Padded token ids, int64[N, T]."""
        return self.featurize_ids(self.vocabulary.lookup(tokenize(raw)))

    def featurize_ids(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Pad to the longest text of the batch, at least one token wide."""
        padded = ids[:, : self.max_tokens].to_tensor(default_value=PADDING)
        return tf.pad(padded, [[0, 0], [0, tf.maximum(1 - tf.shape(padded)[1], 0)]])

    def call(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Vectors, float32[N, units]."""
        rows = tf.shape(features)[0]
        ids = tf.pad(features, [[0, tf.maximum(1 - rows, 0)], [0, 0]])  # TensorFlow cannot add a bias to no rows
        vector = self.lstm(self.embedding(ids), mask=_at_least_one(ids), training=training)
        if self.head is not None:
            vector = self.head(vector)
        return vector[:rows]


def _at_least_one(ids: tf.Tensor) -> tf.Tensor:
    """Mask of the real tokens; the first position always counts, because cuDNN refuses a text without any."""
    real = tf.not_equal(ids, PADDING)
    first = tf.equal(tf.range(tf.shape(ids)[1]), 0)
    return tf.logical_or(real, first)


def build_towers(settings: LstmSettings, names: Sequence[str], vocabulary_file: str) -> dict[str, Tower]:
    """Towers that share everything, but that each before the last passes one more dense layer."""
    vocabulary = Vocabulary(vocabulary_file)
    embedding = keras.layers.Embedding(vocabulary.size, settings.embedding, name="embedding")
    lstm = keras.layers.LSTM(settings.units, name="lstm")
    heads = {name: keras.layers.Dense(settings.units, name="dense") for name in names[:-1]}
    return {
        name: LstmTower(
            vocabulary=vocabulary,
            embedding=embedding,
            lstm=lstm,
            head=heads.get(name),
            max_tokens=settings.max_tokens,
            name=name,
        )
        for name in names
    }
