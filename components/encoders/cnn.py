"""Convolutional networks for small pictures, shared by both towers of a pair; the question passes one more layer."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from components.encoders.settings import CnnSettings, LenetSettings
from components.encoders.tower import Tower
from components.pictures.augment import Augment
from components.pictures.decode import decode_pictures

_WHITE = 255.0
_GRID = 4  # what is left of the shorter side at the end, at most twice that
_MOMENTUM = 0.9  # of moving averages; Keras's 0.99 lags behind in the hundreds of steps that small data gives


class CnnTower(Tower):
    """Encoded picture → pixels of one size → convolutions → vector. Layers that both towers hold are shared."""

    def __init__(
        self,
        settings: CnnSettings | LenetSettings,
        body: keras.layers.Layer,
        augment: keras.layers.Layer,
        head: keras.layers.Layer | None,
        name: str,
    ) -> None:
        super().__init__(name=name)
        self.settings = settings
        self.body = body
        self.augment = augment
        self.head = head
        self.dimensions = settings.dimensions
        height, width = settings.size
        self.feature_bytes = height * width * settings.channels

    def featurize(self, raw: tf.Tensor) -> tf.Tensor:
        """Decoded pictures, uint8[N, H, W, C]."""
        return decode_pictures(raw, *self.settings.size, self.settings.channels)

    def call(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Vectors, float32[N, dimensions]."""
        rows = tf.shape(features)[0]
        shape = [tf.maximum(1 - rows, 0), *self.settings.size, self.settings.channels]
        features = tf.concat([features, tf.zeros(shape, tf.uint8)], axis=0)  # TensorFlow cannot convolve no pictures
        pictures = self.augment(tf.cast(features, tf.float32) / _WHITE, training=training)
        vector = self.body(pictures, training=training)
        return (vector if self.head is None else self.head(vector))[:rows]


def build_towers(settings: CnnSettings | LenetSettings, names: Sequence[str]) -> dict[str, Tower]:
    """Towers that share everything, but that each before the last passes one more dense layer."""
    body = _cnn(settings) if isinstance(settings, CnnSettings) else _lenet(settings)
    augment = Augment(settings.augmentation)
    heads = {name: keras.layers.Dense(settings.dimensions, name="dense") for name in names[:-1]}
    return {name: CnnTower(settings, body, augment, heads.get(name), name) for name in names}


def _cnn(settings: CnnSettings) -> keras.layers.Layer:
    return keras.Sequential([keras.Input((*settings.size, settings.channels)), *cnn_layers(settings)], name="cnn")


def cnn_layers(settings: CnnSettings) -> list[keras.layers.Layer]:
    """Blocks of two normalised convolutions and a pooling that halves the picture, while there is anything to halve.

    What is still large then is averaged: over thousands of inputs the last layer would leap with every step.
    """
    layers: list[keras.layers.Layer] = []
    side = min(settings.size)
    for filters in settings.filters:
        for _ in range(2):
            layers += [
                keras.layers.Conv2D(filters, 3, padding="same", use_bias=False),
                keras.layers.BatchNormalization(momentum=_MOMENTUM),
                keras.layers.ReLU(),
            ]
        if side > 1:
            layers.append(keras.layers.MaxPooling2D())
            side //= 2
    if side > _GRID:
        layers.append(keras.layers.AveragePooling2D(side // _GRID))
    return [
        *layers,
        keras.layers.Flatten(),
        keras.layers.Dropout(settings.dropout),
        keras.layers.Dense(settings.dimensions),
    ]


def _lenet(settings: LenetSettings) -> keras.layers.Layer:
    """Two convolutions with pooling and one dense layer, as the project began with."""
    return keras.Sequential(
        [
            keras.Input((*settings.size, settings.channels)),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(padding="same"),
            keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(padding="same"),
            keras.layers.Flatten(),
            keras.layers.Dense(settings.dimensions, activation="relu"),
        ],
        name="lenet",
    )
