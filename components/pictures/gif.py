"""The first frame of a GIF file (GIF89a specification, CompuServe 1990), without inflating the others.

TensorFlow inflates all frames even where only the first is wanted (40 frames of 3000 × 3000, in 300 KB, take it six
seconds), knows neither canvas nor place of a frame, and paints black what is transparent. So it is given a file of the
first frame alone, and where that has transparent pixels, a second one whose colours are all white.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from components.pictures.formats import DAMAGED, UNSUPPORTED
from components.pictures.out_of_line import out_of_line
from components.pictures.refuse import require

_EXTENSION, _CONTROL, _FRAME = 0x21, 0xF9, 0x2C
_SCREEN, _CONTROLS, _DESCRIPTOR = 13, 8, 10  # bytes of the screen's description, the frame's control, its description
_HAS_COLOURS, _HAS_TRANSPARENT = 0x80, 1
_WHITES = b"\xff" * 3 * 256
_WHITE = 255
_MAX_BLOCKS = 100_000  # before the frame, and in it: enough for 25 MB in the usual blocks of 255 bytes


class _Frame(NamedTuple):
    """Where the parts of the first frame are in the file; int32 scalars. Where there is no control, it is at 0."""

    control: tf.Tensor
    descriptor: tf.Tensor
    end: tf.Tensor


@out_of_line
def read_gif(content: tf.Tensor) -> tf.Tensor:
    """Red, green and blue of the first frame on its canvas; white where that is transparent or not covered.

    Args:
        content: string scalar, the file.

    Returns:
        uint8[height, width, 3].

    Raises:
        tf.errors.InvalidArgumentError: it is damaged, or the frame does not lie on the canvas.
    """
    data = tf.io.decode_raw(content + b"\0\0", tf.uint8)
    frame = _find_first_frame(data)
    width, height = _word(data, 6), _word(data, 8)
    left, top, frame_width, frame_height = (_word(data, frame.descriptor + start) for start in (1, 3, 5, 7))
    right, bottom = width - left - frame_width, height - top - frame_height
    off = f"{UNSUPPORTED}: the first frame of a GIF must lie on its canvas"
    content = require((right >= 0) & (bottom >= 0), [off], content)
    painted = _decode(_file(content, data, frame, tf.identity))

    def without_transparent() -> tf.Tensor:
        opaque = _decode(_file(content, data, frame, _whiten))
        return tf.where(tf.equal(opaque, _WHITE), painted, tf.constant(_WHITE, tf.uint8))

    has_transparent = (frame.control > 0) & (_byte(data, frame.control + 3) & _HAS_TRANSPARENT > 0)
    seen = tf.cond(has_transparent, without_transparent, lambda: painted)
    return tf.pad(seen, [[top, bottom], [left, right], [0, 0]], constant_values=tf.constant(_WHITE, tf.uint8))


def _find_first_frame(data: tf.Tensor) -> _Frame:
    def go_on(at: tf.Tensor, inside: tf.Tensor, control: tf.Tensor) -> tf.Tensor:
        del control
        return inside | tf.equal(_byte(data, at), _EXTENSION)

    def step(at: tf.Tensor, inside: tf.Tensor, control: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Over one block of an extension, or over what begins an extension."""
        size = _byte(data, at)
        is_control = ~inside & tf.equal(_byte(data, at + 1), _CONTROL)
        return (
            tf.where(inside, at + 1 + size, at + 2),
            ~inside | (size > 0),
            tf.where(is_control, at, control),
        )

    start = _SCREEN + _colours(_byte(data, 10))
    descriptor, _, control = tf.while_loop(
        go_on, step, [start, tf.constant(False), tf.constant(0)], maximum_iterations=_MAX_BLOCKS, parallel_iterations=1
    )
    no_frame = f"{DAMAGED}: no frame of a GIF where one is due"
    descriptor = require(tf.equal(_byte(data, descriptor), _FRAME), [no_frame], descriptor)
    (last_block,) = tf.while_loop(
        lambda at: _byte(data, at) > 0,
        lambda at: at + 1 + _byte(data, at),
        [descriptor + _DESCRIPTOR + _colours(_byte(data, descriptor + 9)) + 1],
        maximum_iterations=_MAX_BLOCKS,
        parallel_iterations=1,
    )
    return _Frame(control, descriptor, last_block + 1)


def _file(content: tf.Tensor, data: tf.Tensor, frame: _Frame, paint: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """A file of the first frame alone, in the corner; `paint` maps tables of colours."""
    colours, own_colours = _colours(_byte(data, 10)), _colours(_byte(data, frame.descriptor + 9))
    image = frame.descriptor + _DESCRIPTOR + own_colours
    return tf.strings.join(
        [
            tf.strings.substr(content, 0, _SCREEN),
            paint(tf.strings.substr(content, _SCREEN, colours)),
            tf.strings.substr(content, frame.control, tf.where(frame.control > 0, _CONTROLS, 0)),
            b",\0\0\0\0",
            tf.strings.substr(content, frame.descriptor + 5, 5),
            paint(tf.strings.substr(content, frame.descriptor + _DESCRIPTOR, own_colours)),
            tf.strings.substr(content, image, frame.end - image),
            b";",
        ]
    )


def _decode(content: tf.Tensor) -> tf.Tensor:
    return tf.ensure_shape(tf.io.decode_image(content, channels=3, expand_animations=False), [None, None, 3])


def _whiten(colours: tf.Tensor) -> tf.Tensor:
    return tf.strings.substr(_WHITES, 0, tf.strings.length(colours))


def _colours(flags: tf.Tensor) -> tf.Tensor:
    """Bytes of the table of colours that is announced by these flags."""
    return tf.where(flags & _HAS_COLOURS > 0, tf.bitwise.left_shift(6, flags & 7), 0)


def _byte(data: tf.Tensor, at: tf.Tensor | int) -> tf.Tensor:
    return tf.cast(data[at], tf.int32)


def _word(data: tf.Tensor, at: tf.Tensor | int) -> tf.Tensor:
    return _byte(data, at) + 256 * _byte(data, at + 1)
