"""Refusals inside a TensorFlow graph; each begins with a reason of `formats`."""

from collections.abc import Sequence

import tensorflow as tf

from components.pictures.formats import DAMAGED


def require(condition: tf.Tensor, refusal: Sequence[str | tf.Tensor], content: tf.Tensor) -> tf.Tensor:
    """The content, for operations that must not start before the condition is known to hold.

    Raises:
        tf.errors.InvalidArgumentError: it does not hold; the message has each part of `refusal` in brackets.
    """
    # Not tf.debugging.Assert, which wraps the same in a branch of its own and doubles the time of a small picture.
    assertion = tf.raw_ops.Assert(condition=condition, data=[tf.convert_to_tensor(part) for part in refusal])
    with tf.control_dependencies([assertion]):
        return tf.identity(content)


def require_length(content: tf.Tensor, length: int) -> tf.Tensor:
    """The content, once it is known to have so many bytes.

    TensorFlow's own message would repeat the bytes, from which Python can make no text.

    Raises:
        tf.errors.InvalidArgumentError: it has fewer.
    """
    return require(tf.strings.length(content) >= length, [f"{DAMAGED}: it ends before it has {length} bytes"], content)
