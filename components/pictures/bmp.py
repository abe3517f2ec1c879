"""BMP files. TensorFlow ignores compression, palette and masks, so those that need them are refused."""

import tensorflow as tf

from components.pictures.alpha import over_white
from components.pictures.formats import UNSUPPORTED
from components.pictures.out_of_line import out_of_line
from components.pictures.refuse import require

_INFO_HEADER = 40  # bytes; the older OS/2 header has 12
_HEADERS = 54  # bytes before masks or palette: 14 of the file, 40 of the picture
_UNCOMPRESSED, _BITFIELDS = 0, 3
_MASKS = bytes.fromhex("0000ff00 00ff0000 ff000000")  # red, green, blue of little-endian BGRA
_ALPHA_MASK = bytes.fromhex("000000ff")
_GREYS = b"".join(bytes([grey, grey, grey, 0]) for grey in range(256))
_REFUSAL = f"{UNSUPPORTED}: a BMP must be uncompressed and have 24 or 32 bits per pixel, or 8 and no colours"


@out_of_line
def read_bmp(content: tf.Tensor) -> tf.Tensor:
    """Red, green and blue of one picture.

    Args:
        content: string scalar, the file.

    Returns:
        uint8[height, width, 3].

    Raises:
        tf.errors.InvalidArgumentError: it is damaged or would come out in wrong colours.
    """
    integers = tf.io.decode_raw(tf.strings.substr(content, 14, 20), tf.int32)
    header, bits, compression = integers[0], integers[3] // 2**16, integers[4]
    plain, masked = tf.equal(compression, _UNCOMPRESSED), tf.equal(compression, _BITFIELDS)
    behind = tf.strings.substr(content, _HEADERS, len(_GREYS)) + bytes(16)  # a small picture ends before all masks
    has_masks = masked & tf.equal(tf.strings.substr(behind, 0, 12), _MASKS)
    has_greys = tf.equal(tf.strings.substr(behind, 0, len(_GREYS)), _GREYS) & tf.equal(header, _INFO_HEADER)
    right = (
        tf.equal(bits, 32) & (plain | has_masks) | tf.equal(bits, 24) & plain | tf.equal(bits, 8) & plain & has_greys
    )
    content = require((header >= _INFO_HEADER) & right, [_REFUSAL], content)
    rgba = tf.io.decode_bmp(content, channels=4)
    has_alpha = has_masks & (header > _INFO_HEADER) & tf.equal(tf.strings.substr(behind, 12, 4), _ALPHA_MASK)
    return tf.cond(has_alpha, lambda: over_white(rgba), lambda: rgba[..., :3])
