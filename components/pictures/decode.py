"""Encoded pictures to floats of one size, by TensorFlow operations that tf.data, evaluation and serving all run.

A picture is what a person would see of it: what is transparent in a PNG lies over white. Of an animated GIF the first
frame counts. Orientation, colour profile and gamma that a file may carry are not applied, and 16 bits are cut to 8.
"""

from collections.abc import Callable
from typing import Literal

import tensorflow as tf

from components.pictures.formats import HEAD, MAX_PIXELS, SIGNATURES, Format

_AT_ONCE = 8  # pictures that may be in memory in full size at the same time
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


@tf.function(autograph=False, reduce_retracing=True)
def decode_pictures(image_bytes: tf.Tensor, height: int, width: int, channels: Literal[1, 3]) -> tf.Tensor:
    """Decode, stretch to one size (bilinear, antialiased) and scale.

    Args:
        image_bytes: string[N], each a PNG, JPEG, GIF or BMP file.
        height: of every picture that comes out; its proportions are not kept.
        width: likewise.
        channels: 3 for red, green and blue, 1 for their luma (ITU-R BT.601).

    Returns:
        float32[N, height, width, channels] in [0, 1].

    Raises:
        tf.errors.InvalidArgumentError: one of them is no such file, is damaged, or has more than MAX_PIXELS pixels.
    """
    image_bytes, formats = _checked(image_bytes)
    size = tf.TensorSpec([height, width, 3], tf.float32)
    rows, pictures = [], []
    for index, read in enumerate(READERS.values()):
        of_format = tf.where(tf.equal(formats, index))[:, 0]
        rows.append(tf.cast(of_format, tf.int32))
        pictures.append(
            tf.map_fn(
                lambda content, read=read: tf.image.resize(read(content), [height, width], antialias=True),
                tf.gather(image_bytes, of_format),
                fn_output_signature=size,
                parallel_iterations=_AT_ONCE,
            )
        )
    batch = tf.dynamic_stitch(rows, pictures) / 255.0
    if channels == 1:
        batch = tf.reduce_sum(batch * _LUMA, axis=-1, keepdims=True)
    return tf.ensure_shape(tf.clip_by_value(batch, 0.0, 1.0), [None, height, width, channels])


def _checked(image_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The pictures, and of each the place of its format in READERS, once none has another format or is too large.

    A JPEG's size is not among its first bytes; its reader looks.
    """
    heads = tf.strings.substr(image_bytes, 0, HEAD)
    padded = tf.strings.substr(tf.strings.join([heads, tf.constant(b"\0" * HEAD)]), 0, HEAD)
    head = tf.cast(tf.reshape(tf.io.decode_raw(padded, tf.uint8), [-1, HEAD]), tf.int64)
    told = [tf.equal(tf.strings.substr(heads, 0, len(SIGNATURES[name])), SIGNATURES[name]) for name in READERS]
    formats = tf.argmax(tf.stack(told, axis=1), axis=1)
    sizes = {
        "PNG": _number(head, 16, 4, "big") * _number(head, 20, 4, "big"),
        "JPEG": tf.zeros_like(formats),
        "GIF": _number(head, 6, 2) * _number(head, 8, 2),
        "BMP": tf.abs(_signed(_number(head, 18, 4)) * _signed(_number(head, 22, 4))),
    }
    pixels = tf.gather(tf.stack([sizes[name] for name in READERS], axis=1), formats, batch_dims=1)
    known = tf.reduce_any(tf.stack(told, axis=1), axis=1)
    checks = [
        tf.debugging.Assert(
            tf.reduce_all(known),
            [f"A picture is not one of {', '.join(READERS)}; their places in the batch:", tf.where(~known)[:, 0]],
        ),
        _assert_pixels(pixels),
    ]
    with tf.control_dependencies([check for check in checks if check is not None]):  # eagerly there is none
        return tf.identity(image_bytes), formats


def _assert_pixels(pixels: tf.Tensor) -> tf.Operation | None:
    return tf.debugging.Assert(
        tf.reduce_all(pixels <= MAX_PIXELS),
        [f"A picture has more than the {MAX_PIXELS} pixels allowed; the pixels:", pixels],
    )


def _number(head: tf.Tensor, start: int, size: int, order: Literal["big", "little"] = "little") -> tf.Tensor:
    """Unsigned numbers, int64[N], of `size` bytes each, from heads, int64[N, HEAD]."""
    powers = [256**place for place in range(size)]
    return tf.reduce_sum(head[:, start : start + size] * (powers[::-1] if order == "big" else powers), axis=1)


def _signed(number: tf.Tensor) -> tf.Tensor:
    return tf.where(number < 2**31, number, number - 2**32)


def _read_png(content: tf.Tensor) -> tf.Tensor:
    pixels = tf.cast(tf.io.decode_png(content, channels=4), tf.float32)
    alpha = pixels[..., 3:] / 255.0
    return pixels[..., :3] * alpha + 255.0 * (1.0 - alpha)


def _read_jpeg(content: tf.Tensor) -> tf.Tensor:
    shape = tf.cast(tf.io.extract_jpeg_shape(content), tf.int64)
    check = _assert_pixels(shape[0] * shape[1])
    with tf.control_dependencies([] if check is None else [check]):
        content = tf.identity(content)
    return tf.io.decode_jpeg(content, channels=3, dct_method="INTEGER_ACCURATE")


def _read_gif(content: tf.Tensor) -> tf.Tensor:
    return tf.ensure_shape(tf.io.decode_image(content, channels=3, expand_animations=False), [None, None, 3])


def _read_bmp(content: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_bmp(content, channels=3)


READERS: dict[Format, Callable[[tf.Tensor], tf.Tensor]] = {
    "PNG": _read_png,
    "JPEG": _read_jpeg,
    "GIF": _read_gif,
    "BMP": _read_bmp,
}
"""How one picture, a string scalar, of each format becomes [height, width, 3] in [0, 255], uint8 or float32."""
