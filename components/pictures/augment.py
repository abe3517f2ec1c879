"""Pictures mirrored, cropped and turned in training: one affine map a picture, so that it is interpolated once."""

import math
from typing import Any, Self

import keras
import tensorflow as tf

from components.pictures.settings import Augmentation


def affine_maps(
    mirrored: tf.Tensor, kept: tf.Tensor, place: tf.Tensor, angle: tf.Tensor, size: tuple[int, int] | tf.Tensor
) -> tf.Tensor:
    """From each pixel of the new picture to where in the old one it comes from.

    A part of the old picture, `kept` wide and high and turned by `angle` about its own middle, fills the new one.

    Args:
        mirrored: bool[N], whether left and right change places.
        kept: float32[N, 2], shares of height and width.
        place: float32[N, 2] in [-1, 1], where the part lies: at -1 it touches the top or left edge, at 1 the other.
        angle: float32[N], radians; what is seen turns anticlockwise.
        size: height and width in pixels.

    Returns:
        float32[N, 8], as `tf.raw_ops.ImageProjectiveTransformV3` takes them: x = m0·x' + m1·y' + m2 and
        y = m3·x' + m4·y' + m5; the last two are 0.
    """
    size = tf.cast(size, tf.float32)
    middle = (size - 1.0) / 2.0
    shift = place * (1.0 - kept) * size / 2.0
    cos, sin = tf.cos(angle), tf.sin(angle)
    scale_x, scale_y = tf.where(mirrored, -kept[:, 1], kept[:, 1]), kept[:, 0]
    xx, xy, yx, yy = cos * scale_x, -sin * scale_y, sin * scale_x, cos * scale_y
    from_x = middle[1] + shift[:, 1] - xx * middle[1] - xy * middle[0]
    from_y = middle[0] + shift[:, 0] - yx * middle[1] - yy * middle[0]
    zeros = tf.zeros_like(angle)
    return tf.stack([xx, xy, from_x, yx, yy, from_y, zeros, zeros], axis=1)


def transform(pictures: tf.Tensor, maps: tf.Tensor) -> tf.Tensor:
    """Pictures of the same size, float32[N, height, width, channels], seen through `maps`; bilinear.

    What comes from outside of a picture repeats the nearest pixel of its edge.
    """
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=pictures,
        transforms=maps,
        output_shape=tf.shape(pictures)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )


class Augment(keras.layers.Layer):
    """Alters each picture of a batch by its own draw while training; otherwise, and with all settings off, nothing.

    `keras.utils.set_random_seed` before the layer is made repeats its draws.
    """

    def __init__(self, settings: Augmentation, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settings = settings
        self._seeds = keras.random.SeedGenerator() if settings.changes else None
        self.built = True

    def call(self, pictures: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Pictures, float32[N, height, width, channels], altered or as they are."""
        if self._seeds is None or not training:
            return pictures
        return transform(pictures, self._draw(tf.shape(pictures)))

    def _draw(self, shape: tf.Tensor) -> tf.Tensor:
        rows, settings = shape[0], self.settings
        turn = math.radians(settings.rotation)
        return affine_maps(
            mirrored=self._uniform([rows], 0.0, 1.0) < (0.5 if settings.flip else 0.0),
            kept=1.0 - self._uniform([rows, 2], 0.0, settings.crop),
            place=self._uniform([rows, 2], -1.0, 1.0),
            angle=self._uniform([rows], -turn, turn),
            size=shape[1:3],
        )

    def _uniform(self, shape: list[Any], low: float, high: float) -> tf.Tensor:
        return keras.random.uniform(shape, low, high, seed=self._seeds)

    def get_config(self) -> dict[str, Any]:
        """As Keras saves it."""
        return {**super().get_config(), "settings": self.settings.model_dump()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """As Keras loads it."""
        return cls(**{**config, "settings": Augmentation.model_validate(config["settings"])})
