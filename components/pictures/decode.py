"""Encoded pictures to floats of one size, by TensorFlow operations that tf.data, evaluation and serving all run."""

from typing import Literal

import tensorflow as tf

from components.pictures.formats import MAX_PIXELS
from components.pictures.read import read_picture

_AT_ONCE = 8  # pictures of a batch that may be in memory in their full size
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def decode_pictures(image_bytes: tf.Tensor, height: int, width: int, channels: Literal[1, 3]) -> tf.Tensor:
    """Decode as `read.read_picture` does, stretch to one size, and scale.

    Bilinear and antialiased, as `tf.image.resize(…, antialias=True)`; proportions are not kept.

    Args:
        image_bytes: string[N], each a PNG, JPEG, GIF or BMP file.
        height: of every picture that comes out.
        width: of every picture that comes out.
        channels: 3 for red, green and blue, 1 for their luma (ITU-R BT.601).

    Returns:
        float32[N, height, width, channels] in [0, 1].

    Raises:
        tf.errors.InvalidArgumentError: one of them is no such file, is damaged, or has more than MAX_PIXELS pixels.
    """
    return _decode(tf.convert_to_tensor(image_bytes, tf.string), height, width, channels)


@tf.function(autograph=False, reduce_retracing=True)  # eagerly, a loop would be twenty times slower
def _decode(image_bytes: tf.Tensor, height: int, width: int, channels: int) -> tf.Tensor:
    batch = tf.map_fn(
        lambda content: _stretch(read_picture(content, tf.constant(MAX_PIXELS, tf.int64)), height, width),
        image_bytes,
        fn_output_signature=tf.TensorSpec([height, width, 3], tf.float32),
        parallel_iterations=_AT_ONCE,
    )
    if channels == 1:
        batch = tf.tensordot(batch, tf.constant(_LUMA), 1)[..., tf.newaxis]
    return tf.clip_by_value(batch / 255.0, 0.0, 1.0)


def _stretch(picture: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """float32[height, width, 3]; antialiased only where something shrinks, because that is ten times as much work."""
    size = tf.shape(picture)
    return tf.cond(
        tf.logical_or(size[0] > height, size[1] > width),
        lambda: tf.image.resize(picture, [height, width], antialias=True),
        lambda: tf.image.resize(picture, [height, width]),
    )
