"""Encoded pictures to pixels of one size, by TensorFlow operations that tf.data, evaluation and serving all run."""

from typing import Literal

import tensorflow as tf

from components.pictures.formats import MAX_PIXELS, NO_PICTURE, SIGNATURES
from components.pictures.read import READERS, Reader
from components.pictures.refuse import require

_AT_ONCE = 4  # pictures of a format that may be in memory in their full size
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def decode_pictures(image_bytes: tf.Tensor, height: int, width: int, channels: Literal[1, 3]) -> tf.Tensor:
    """Decode as `read.READERS` do and stretch to one size; proportions are not kept.

    What shrinks is averaged over the area that a new pixel covers, so nothing is aliased; what grows is interpolated.

    Args:
        image_bytes: string[N], each a PNG, JPEG, GIF or BMP file.
        height: of every picture that comes out.
        width: of every picture that comes out.
        channels: 3 for red, green and blue, 1 for their luma (ITU-R BT.601).

    Returns:
        uint8[N, height, width, channels].

    Raises:
        tf.errors.InvalidArgumentError: one of them is no such file, is damaged, or has more than MAX_PIXELS pixels.
    """
    return _decode(tf.convert_to_tensor(image_bytes, tf.string), height, width, channels)


@tf.function(autograph=False, reduce_retracing=True)  # eagerly, a loop would be twenty times slower
def _decode(image_bytes: tf.Tensor, height: int, width: int, channels: int) -> tf.Tensor:
    # A loop for each format, because TensorFlow steps over every operation of a branch that is not taken: with the
    # choice inside one loop, a JPEG of 320 by 240 took a quarter longer.
    rows = _rows_by_format(image_bytes)
    parts = [
        _decode_format(read, tf.gather(image_bytes, of_format), height, width)
        for read, of_format in zip(READERS.values(), rows, strict=True)
    ]
    batch = tf.ensure_shape(tf.dynamic_stitch(rows, parts), [None, height, width, 3])
    if channels == 1:
        luma = tf.tensordot(tf.cast(batch, tf.float32), tf.constant(_LUMA), 1)[..., tf.newaxis]
        batch = _rounded(luma)
    return batch


def _rows_by_format(image_bytes: tf.Tensor) -> list[tf.Tensor]:
    """For each of READERS the places of its pictures in the batch, int32."""
    starts = [tf.equal(tf.strings.substr(image_bytes, 0, len(SIGNATURES[name])), SIGNATURES[name]) for name in READERS]
    known = tf.reduce_all(tf.reduce_any(starts, axis=0))
    refusal = [f"{NO_PICTURE}: allowed are {', '.join(READERS)}"]
    return [tf.cast(tf.where(require(known, refusal, start))[:, 0], tf.int32) for start in starts]


def _decode_format(read: Reader, image_bytes: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """uint8[N, height, width, 3] of pictures that are all of one format."""

    def decode(content: tf.Tensor) -> tf.Tensor:
        return _stretch(read(content, tf.constant(MAX_PIXELS, tf.int64), (height, width)), height, width)

    spec = tf.TensorSpec([height, width, 3], tf.uint8)
    return tf.map_fn(decode, image_bytes, fn_output_signature=spec, parallel_iterations=_AT_ONCE)


def _stretch(picture: tf.Tensor, height: int, width: int) -> tf.Tensor:
    # Not tf.image.resize, whose checks take longer than a small picture does.
    smaller = tf.minimum(tf.shape(picture)[:2], [height, width])
    shrunk = tf.raw_ops.ResizeArea(images=picture[tf.newaxis], size=smaller)
    grown = tf.raw_ops.ResizeBilinear(images=shrunk, size=[height, width], half_pixel_centers=True)
    return _rounded(grown[0])


def _rounded(pixels: tf.Tensor) -> tf.Tensor:
    """uint8 of float32 between 0 and 255."""
    return tf.cast(tf.round(pixels), tf.uint8)
