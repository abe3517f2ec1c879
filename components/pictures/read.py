"""One encoded picture to pixels, inside a TensorFlow graph.

A picture is what a person sees of it: what is transparent lies over white. Of an animated GIF only the first frame
counts, and only it is inflated. Orientation, colour profile and gamma that a file may carry are not applied; 16 bits
are cut to 8. What TensorFlow would show in wrong colours is refused, and so is a picture that is too large, before
memory is taken for it.
"""

from collections.abc import Callable
from functools import partial

import tensorflow as tf

from components.pictures.alpha import over_white
from components.pictures.bmp import read_bmp
from components.pictures.formats import NO_PICTURE, SIGNATURES, TOO_LARGE, Format
from components.pictures.gif import read_gif
from components.pictures.refuse import require, require_length

_BYTE = 8  # bits


def read_picture(content: tf.Tensor, max_pixels: tf.Tensor) -> tf.Tensor:
    """Red, green and blue of one picture. Not for eager execution: a GIF would take long.

    Args:
        content: string scalar, the file.
        max_pixels: width × height allowed, int64 scalar.

    Returns:
        uint8[height, width, 3].

    Raises:
        tf.errors.InvalidArgumentError: it cannot be read; the message has a reason of `formats`, or is TensorFlow's own
            where the file is damaged.
    """
    is_format = tf.stack([_starts_with(content, SIGNATURES[name]) for name in READERS])
    content = require(tf.reduce_any(is_format), [f"{NO_PICTURE}: allowed are {', '.join(READERS)}"], content)
    readers = [partial(read, content, max_pixels) for read in READERS.values()]
    return tf.switch_case(tf.argmax(is_format, output_type=tf.int32), readers)


def _starts_with(content: tf.Tensor, signature: bytes) -> tf.Tensor:
    return tf.equal(tf.strings.substr(content, 0, len(signature)), signature)


def _png(content: tf.Tensor, max_pixels: tf.Tensor) -> tf.Tensor:
    content = require_length(content, 25)
    size = tf.io.decode_raw(tf.strings.substr(content, 16, 8), tf.int32, little_endian=False)
    content = _require_size(tf.bitcast(size, tf.uint32), max_pixels, content)
    rgba = tf.io.decode_png(content, channels=4)
    depth = tf.cast(tf.io.decode_raw(tf.strings.substr(content, 24, 1), tf.uint8)[0], tf.int32)
    # Where there is no alpha TensorFlow makes it 1, 3 or 15 if a pixel has 1, 2 or 4 bits, instead of 255.
    return over_white(rgba, opaque=tf.where(depth < _BYTE, tf.bitwise.left_shift(1, depth) - 1, 255))


def _jpeg(content: tf.Tensor, max_pixels: tf.Tensor) -> tf.Tensor:
    content = _require_size(tf.io.extract_jpeg_shape(content)[1::-1], max_pixels, content)
    return tf.io.decode_jpeg(content, channels=3, dct_method="INTEGER_ACCURATE")


def _gif(content: tf.Tensor, max_pixels: tf.Tensor) -> tf.Tensor:
    content = require_length(content, 13)
    canvas = tf.io.decode_raw(tf.strings.substr(content, 6, 4), tf.uint16)
    return read_gif(_require_size(canvas, max_pixels, content))


def _bmp(content: tf.Tensor, max_pixels: tf.Tensor) -> tf.Tensor:
    content = require_length(content, 54)
    size = tf.abs(tf.cast(tf.io.decode_raw(tf.strings.substr(content, 18, 8), tf.int32), tf.int64))
    return read_bmp(_require_size(size, max_pixels, content))


READERS: dict[Format, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "GIF": _gif,
    "BMP": _bmp,
}
"""How a file of each format is read; arguments and result are those of `read_picture`."""


def _require_size(size: tf.Tensor, max_pixels: tf.Tensor, content: tf.Tensor) -> tf.Tensor:
    """The content, once width and height, a vector of two integers of any kind, are known to be small enough."""
    pixels = tf.reduce_prod(tf.cast(size, tf.float64))  # which no two 32-bit integers overflow
    refusal = [f"{TOO_LARGE}: width and height, and what their product may be:", size, max_pixels]
    return require(pixels <= tf.cast(max_pixels, tf.float64), refusal, content)
