"""BERT (Devlin et al., 2019) as layers over the tokens of a batch without their padding.

Everything but attention works on one token at a time, so the tokens of all texts lie one after the other, [M, width],
and a batch of short and long texts costs what its tokens do. Attention alone lays them out by text.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from components.encoders.preset import Activation, Preset

_ACTIVATIONS: dict[Activation, Callable[[tf.Tensor], tf.Tensor]] = {
    "gelu": lambda x: tf.nn.gelu(x, approximate=False),
    "gelu_new": lambda x: tf.nn.gelu(x, approximate=True),
    "relu": tf.nn.relu,
}
_NEVER = -1e9  # the score of what must not be attended to

Weights = Mapping[str, np.ndarray]


class Layout(NamedTuple):
    """Where the tokens of a batch are."""

    places: tf.Tensor
    """int64[M]: of each token, in the batch row by row."""
    texts: tf.Tensor
    """int64[M]: the text of each token."""
    positions: tf.Tensor
    """int64[M]: where in its text it is."""
    tokens: tf.Tensor
    """int32[N, T]: the token at each place, any where there is none."""
    penalty: tf.Tensor
    """float32[1, N, 1, T]: 0 where there is a token, else a number so low that nothing attends to it."""


def layout_of(real: tf.Tensor) -> Layout:
    """The layout of a batch of which `real`, bool[N, T], marks the tokens, the first of each text among them."""
    there = tf.where(real)
    places = there[:, 0] * tf.shape(real, tf.int64)[1] + there[:, 1]
    counted = tf.cumsum(tf.cast(tf.reshape(real, [-1]), tf.int32)) - 1
    penalty = tf.where(real, 0.0, _NEVER)[tf.newaxis, :, tf.newaxis, :]
    return Layout(places, there[:, 0], there[:, 1], tf.reshape(counted, tf.shape(real)), penalty)


class _FromFile(keras.layers.Layer):
    """A layer whose weights come from a preset's file."""

    def __init__(self, preset: Preset, name: str) -> None:
        super().__init__(name=name)
        self.epsilon = preset.epsilon
        self.built = True

    def _take(self, name: str, value: np.ndarray) -> keras.Variable:
        return self.add_weight(name=name, shape=value.shape, initializer=lambda *_, **__: tf.constant(value))

    def _take_norm(self, name: str, weights: Weights, key: str) -> tuple[keras.Variable, keras.Variable]:
        scale, shift = weights[f"{key}.weight"], weights[f"{key}.bias"]
        return self._take(f"{name}_scale", scale), self._take(f"{name}_shift", shift)

    def _take_dense(self, name: str, weights: Weights, *keys: str) -> tuple[keras.Variable, keras.Variable]:
        """Kernel and bias of one dense layer, or of several side by side."""
        kernel = np.concatenate([weights[f"{key}.weight"].T for key in keys], axis=1)
        bias = np.concatenate([weights[f"{key}.bias"] for key in keys])
        return self._take(f"{name}_kernel", kernel), self._take(f"{name}_bias", bias)

    def _normalize(self, x: tf.Tensor, norm: tuple[keras.Variable, keras.Variable]) -> tf.Tensor:
        centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
        return centred * tf.math.rsqrt(variance + self.epsilon) * _value(norm[0]) + _value(norm[1])


class Embeddings(_FromFile):
    """Words and positions to vectors; every token is of the first segment."""

    def __init__(self, preset: Preset, weights: Weights, name: str) -> None:
        super().__init__(preset, name)
        self.words = self._take("words", weights["embeddings.word_embeddings.weight"])
        self.positions = self._take("positions", weights["embeddings.position_embeddings.weight"])
        self.segment = self._take("segment", weights["embeddings.token_type_embeddings.weight"][0])
        self.norm = self._take_norm("norm", weights, "embeddings.LayerNorm")

    def call(self, ids: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
        """Vectors, float32[M, width], of word ids, int[M], at their positions, int[M]."""
        words, places = tf.gather(_value(self.words), ids), tf.gather(_value(self.positions), positions)
        return self._normalize(words + places + _value(self.segment), self.norm)


class Block(_FromFile):
    """Attention and a feed-forward layer, each added to its input and normalised."""

    def __init__(self, preset: Preset, weights: Weights, number: int, dropout: float, name: str) -> None:
        super().__init__(preset, name)
        self.heads, self.width = preset.heads, preset.width
        self.dropout = keras.layers.Dropout(dropout)  # draws by a generator, which `micro_batches` can put back
        self.activate = _ACTIVATIONS[preset.activation]
        at = f"encoder.layer.{number}"
        parts = (f"{at}.attention.self.{part}" for part in ("query", "key", "value"))
        self.attention_input = self._take_dense("attention_input", weights, *parts)
        self.attention_output = self._take_dense("attention_output", weights, f"{at}.attention.output.dense")
        self.attention_norm = self._take_norm("attention_norm", weights, f"{at}.attention.output.LayerNorm")
        self.inner = self._take_dense("inner", weights, f"{at}.intermediate.dense")
        self.outer = self._take_dense("outer", weights, f"{at}.output.dense")
        self.norm = self._take_norm("norm", weights, f"{at}.output.LayerNorm")

    def call(self, x: tf.Tensor, layout: Layout, training: bool = False) -> tf.Tensor:
        """Tokens, float32[M, width], to tokens."""
        attended = _dense(self._attend(_dense(x, self.attention_input), layout, training), self.attention_output)
        x = self._normalize(x + self.dropout(attended, training=training), self.attention_norm)
        inner = self.activate(_dense(x, self.inner))
        return self._normalize(x + self.dropout(_dense(inner, self.outer), training=training), self.norm)

    def _attend(self, projected: tf.Tensor, layout: Layout, training: bool) -> tf.Tensor:
        """Mixed values, float32[M, width], of queries, keys and values side by side, float32[M, 3 · width].

        Heads are split and stacked, not transposed, which takes oneDNN longer than a short text's attention itself.
        """
        by_text = tf.gather(projected, layout.tokens)
        queries, keys, values = tf.split(tf.stack(tf.split(by_text, 3 * self.heads, axis=-1)), 3)
        scores = tf.matmul(queries * (self.width // self.heads) ** -0.5, keys, transpose_b=True) + layout.penalty
        mixed = tf.matmul(self.dropout(tf.nn.softmax(scores), training=training), values)
        joined = tf.concat(tf.unstack(mixed, self.heads), axis=-1)
        return tf.gather(tf.reshape(joined, [-1, self.width]), layout.places)


def _value(variable: keras.Variable) -> tf.Tensor:
    return tf.convert_to_tensor(variable)


def _dense(x: tf.Tensor, weights: tuple[keras.Variable, keras.Variable]) -> tf.Tensor:
    return tf.nn.bias_add(tf.matmul(x, _value(weights[0])), _value(weights[1]))
