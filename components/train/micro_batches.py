"""Encodes a large batch in parts, so that it takes the memory of one part, with the gradients of the whole.

Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup": the vectors of all parts are
computed without keeping what led to them, the loss is that of all, and each part is encoded once more to pass on its
share of the gradient. What Keras's generators draw, such as dropout, they draw the same the second time.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


class Parts:
    """One batch of features that an encoder is given in parts while it learns.

    Args:
        encoder: treats every row by itself, which batch normalisation does not, and draws only by Keras's generators.
        features: a structure of tensors, dense, sparse or ragged, of N rows each.
        size: rows of a part; the last may have fewer.
    """

    def __init__(self, encoder: keras.layers.Layer, features: Any, size: int) -> None:
        self._encoder = encoder
        self._features = features
        self._size = size
        self._rows = _rows(tf.nest.flatten(features)[0])
        self._count = -(-self._rows // size)
        weights = {id(weight) for weight in encoder.weights}
        self._generators = [state for state in encoder.variables if id(state) not in weights]
        self._before = self.states()

    def encode(self) -> tf.Tensor:
        """The vectors of all rows, float32[N, D]; no gradient passes through them."""

        def encode_part(number: tf.Tensor, vectors: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            return number + 1, vectors.write(number, self._encode_part(number))

        vectors = tf.TensorArray(tf.float32, self._count, infer_shape=False, element_shape=[None, None])
        _, vectors = tf.while_loop(self._goes_on, encode_part, (0, vectors), parallel_iterations=1)
        return tf.stop_gradient(vectors.concat())

    def gradients(self, upstream: tf.Tensor, variables: Sequence[tf.Variable]) -> list[tf.Tensor]:
        """What the gradient with regard to the vectors, float32[N, D], makes of the variables; as dense tensors."""

        def add_part(number: tf.Tensor, *sums: tf.Tensor) -> tuple[tf.Tensor, ...]:
            with tf.GradientTape() as tape:
                vectors = self._encode_part(number)
            own = upstream[number * self._size : (number + 1) * self._size]
            parts = tape.gradient(vectors, variables, own, tf.UnconnectedGradients.ZERO)
            return number + 1, *(total + tf.convert_to_tensor(part) for total, part in zip(sums, parts, strict=True))

        after = self.states()
        self.restore(self._before)
        zeros = [tf.zeros(variable.shape, variable.dtype) for variable in variables]
        _, *sums = tf.while_loop(self._goes_on, add_part, (0, *zeros), parallel_iterations=1)
        self.restore(after)
        return sums

    def _encode_part(self, number: tf.Tensor) -> tf.Tensor:
        start = number * self._size
        stop = tf.minimum(start + self._size, self._rows)
        part = tf.nest.map_structure(lambda values: _between(values, start, stop), self._features)
        return tf.cast(self._encoder(part, training=True), tf.float32)

    def _goes_on(self, number: tf.Tensor, *_: Any) -> tf.Tensor:
        return number < self._count

    def states(self) -> list[tf.Tensor]:
        """Those of the encoder's generators, as they are now."""
        return [tf.identity(generator.value) for generator in self._generators]

    def restore(self, states: Sequence[tf.Tensor]) -> None:
        """Put the encoder's generators back."""
        for generator, state in zip(self._generators, states, strict=True):
            generator.assign(state)


def _rows(values: tf.Tensor | tf.SparseTensor | tf.RaggedTensor) -> tf.Tensor:
    if isinstance(values, tf.SparseTensor):
        return tf.cast(values.dense_shape[0], tf.int32)
    return tf.cast(values.nrows(), tf.int32) if isinstance(values, tf.RaggedTensor) else tf.shape(values)[0]


def _between(values: tf.Tensor | tf.SparseTensor | tf.RaggedTensor, start: tf.Tensor, stop: tf.Tensor) -> Any:
    """Rows from `start` to before `stop`."""
    if not isinstance(values, tf.SparseTensor):
        return values[start:stop]
    first, behind = tf.cast(start, tf.int64), tf.cast(stop, tf.int64)
    inside = (values.indices[:, 0] >= first) & (values.indices[:, 0] < behind)
    kept = tf.sparse.retain(values, inside)
    offset = tf.concat([first[tf.newaxis], tf.zeros_like(values.dense_shape[1:])], axis=0)
    shape = tf.concat([(behind - first)[tf.newaxis], values.dense_shape[1:]], axis=0)
    return tf.SparseTensor(kept.indices - offset, kept.values, shape)
