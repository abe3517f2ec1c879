"""One encoded picture to pixels, inside a TensorFlow graph: a reader for each format.

A picture is what a person sees of it: what is transparent lies over white. Of an animated GIF only the first frame
counts, and only it is inflated. Orientation, colour profile and gamma that a file may carry are not applied; 16 bits
are cut to 8. What TensorFlow would show in wrong colours is refused, and so is a picture that is too large, before
memory is taken for it.
"""

from collections.abc import Callable
from functools import cache, partial

import tensorflow as tf

from components.pictures.alpha import over_white
from components.pictures.bmp import read_bmp
from components.pictures.formats import TOO_LARGE, Format
from components.pictures.gif import read_gif
from components.pictures.refuse import require, require_length

type Size = tuple[int, int]
"""Height and width."""

type Reader = Callable[[tf.Tensor, tf.Tensor, Size | None], tf.Tensor]

_BYTE = 8  # bits
_JPEG_RATIOS = (1, 2, 4, 8)  # by which a JPEG can be made smaller before it is made at all


def _png(content: tf.Tensor, max_pixels: tf.Tensor, _enough: Size | None) -> tf.Tensor:
    content = require_length(content, 25)
    size = tf.io.decode_raw(tf.strings.substr(content, 16, 8), tf.int32, little_endian=False)
    content = _require_size(tf.bitcast(size, tf.uint32), max_pixels, content)
    rgba = tf.io.decode_png(content, channels=4)
    depth = tf.cast(tf.io.decode_raw(tf.strings.substr(content, 24, 1), tf.uint8)[0], tf.int32)
    # Where there is no alpha TensorFlow makes it 1, 3 or 15 if a pixel has 1, 2 or 4 bits, instead of 255.
    return over_white(rgba, opaque=tf.where(depth < _BYTE, tf.bitwise.left_shift(1, depth) - 1, 255))


def _jpeg(content: tf.Tensor, max_pixels: tf.Tensor, enough: Size | None) -> tf.Tensor:
    size = tf.io.extract_jpeg_shape(content)[:2]
    content = _require_size(size[::-1], max_pixels, content)
    decoders = [
        partial(tf.io.decode_jpeg, content, channels=3, ratio=ratio, dct_method="INTEGER_ACCURATE")
        for ratio in _JPEG_RATIOS
    ]
    if enough is None:
        return decoders[0]()
    fits = tf.reduce_min(size // tf.constant(enough)) >= _JPEG_RATIOS[1:]
    return tf.switch_case(tf.reduce_sum(tf.cast(fits, tf.int32)), decoders)


def _gif(content: tf.Tensor, max_pixels: tf.Tensor, _enough: Size | None) -> tf.Tensor:
    content = require_length(content, 13)
    canvas = tf.io.decode_raw(tf.strings.substr(content, 6, 4), tf.uint16)
    return read_gif(_require_size(canvas, max_pixels, content))


def _bmp(content: tf.Tensor, max_pixels: tf.Tensor, _enough: Size | None) -> tf.Tensor:
    content = require_length(content, 54)
    size = tf.abs(tf.cast(tf.io.decode_raw(tf.strings.substr(content, 18, 8), tf.int32), tf.int64))
    return read_bmp(_require_size(size, max_pixels, content))


READERS: dict[Format, Reader] = {"PNG": _png, "JPEG": _jpeg, "GIF": _gif, "BMP": _bmp}
"""How a file of each format is read. Not for eager execution: a GIF would take long.

Args:
    content: string scalar, the file.
    max_pixels: width × height allowed, int64 scalar.
    enough: height and width above which a JPEG may come out a half, a quarter or an eighth as large, which takes less
        time and averages what is left out; None for all pixels.

Returns:
    uint8[height, width, 3], red, green and blue.

Raises:
    tf.errors.InvalidArgumentError: it cannot be read; the message has a reason of `formats`, or is TensorFlow's own
        where the file is damaged.
"""


@cache
def whole_reader(format_: Format) -> Callable[[bytes, int], tf.Tensor]:
    """The reader of a format for one file after the other, called with content and allowed pixels; all pixels."""
    signature = [tf.TensorSpec([], tf.string), tf.TensorSpec([], tf.int64)]
    read = READERS[format_]
    return tf.function(lambda content, most: read(content, most, None), input_signature=signature, autograph=False)


def _require_size(size: tf.Tensor, max_pixels: tf.Tensor, content: tf.Tensor) -> tf.Tensor:
    """The content, once width and height, a vector of two integers of any kind, are known to be small enough."""
    pixels = tf.reduce_prod(tf.cast(size, tf.float64))  # which no two 32-bit integers overflow
    refusal = [f"{TOO_LARGE}: width and height, and what their product may be:", size, max_pixels]
    return require(pixels <= tf.cast(max_pixels, tf.float64), refusal, content)
