"""Transparent pixels over white, as a page or a viewer shows them."""

import tensorflow as tf


def over_white(rgba: tf.Tensor, opaque: tf.Tensor | int = 255) -> tf.Tensor:
    """uint8[height, width, 3] of uint8[height, width, 4]; where alpha is `opaque` everywhere nothing is blended."""
    rgb, alpha = rgba[..., :3], rgba[..., 3:]

    def blend() -> tf.Tensor:
        opacity = tf.cast(alpha, tf.float32) / 255.0
        return tf.cast(tf.round(tf.cast(rgb, tf.float32) * opacity + 255.0 * (1.0 - opacity)), tf.uint8)

    return tf.cond(tf.reduce_all(tf.equal(alpha, tf.cast(opaque, tf.uint8))), lambda: rgb, blend)
