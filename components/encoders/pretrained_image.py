"""A pretrained network for pictures that all towers share: pixels → layers → mean over the picture → vector.

Features leave every network with a root mean square of 1. How long they are tells little, differs between networks, and
would be what a classifier's learning rate and centres have to fit; unit vectors would be so short that its weights had
to grow large first.
"""

import math
from collections.abc import Sequence

import keras
import tensorflow as tf

from components.encoders.backbone import load_backbone, preprocess, stages
from components.encoders.settings import PretrainedImageSettings
from components.encoders.shared import Body, SharedTower
from components.encoders.tower import Tower
from components.losses.scores import unit_vectors
from components.pictures.augment import Augment
from components.pictures.decode import decode_pictures

_GROUP = 32  # pictures that are encoded together when nothing is learnt


class Network(Body):
    """What the towers share."""

    adapt_rows = 1_000

    def __init__(self, settings: PretrainedImageSettings, name: str) -> None:
        super().__init__(settings.rate, settings.layer_decay, name)
        with keras.name_scope(name):  # two networks in a model may have layers of the same names
            self.backbone = load_backbone(settings.architecture, settings.size, settings.weights)
        self.preprocess = preprocess(settings.architecture)
        self.augment = Augment(settings.augmentation)
        self.dropout = keras.layers.Dropout(settings.dropout)
        self.size = settings.size
        self.width = self.backbone.output_shape[-1]
        self.add_projection(self.width, settings.dimensions)
        self.stages = stages(self.backbone)
        for layer in (layer for stage in self.stages[: settings.frozen_stages] for layer in stage):
            layer.trainable = False
        self.built = True

    def call(self, pictures: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Vectors, float32[N, dimensions], of decoded pictures, uint8[N, H, W, 3]."""
        if training:
            altered = self.augment(tf.cast(pictures, tf.float32), training=True)
            vectors = self.dropout(self._pool(altered), training=True)
        else:
            vectors = self.pooled(pictures)
        return self.project(vectors)

    def pooled(self, pictures: tf.Tensor) -> tf.Tensor:
        """Features of each picture, float32[N, width], root mean square 1, of decoded pictures, uint8[N, H, W, 3].

        Pictures go through in groups, so that many of them need no more memory than _GROUP do.
        """
        groups = tf.maximum((tf.shape(pictures)[0] + _GROUP - 1) // _GROUP, 1)

        def step(number: tf.Tensor, vectors: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            members = tf.cast(pictures[number * _GROUP : (number + 1) * _GROUP], tf.float32)
            return number + 1, vectors.write(number, self._pool(members))

        vectors = tf.TensorArray(tf.float32, groups, element_shape=[None, self.width], infer_shape=False)
        _, vectors = tf.while_loop(lambda number, _: number < groups, step, (0, vectors), parallel_iterations=1)
        return tf.ensure_shape(vectors.concat(), [None, self.width])

    def _pool(self, pictures: tf.Tensor) -> tf.Tensor:
        """Never in training mode: batch normalisation keeps to the averages that the weights were trained with.

        Those of a small batch of few rows are far from them, and would change vectors more than learning does; its
        scales and offsets are learnt like other weights. Nor does a network drop layers, as it did on its own data.
        """
        rows = tf.shape(pictures)[0]
        filling = tf.zeros([tf.maximum(1 - rows, 0), *self.size, 3])  # TensorFlow cannot convolve no pictures
        pixels = self.preprocess(tf.concat([pictures, filling], axis=0))
        features = self.backbone(pixels, training=False)[:rows]
        return unit_vectors(features) * math.sqrt(self.width)

    def featurize(self, raw: tf.Tensor) -> tf.Tensor:
        """Decoded pictures, uint8[N, H, W, 3], of encoded ones, string[N]."""
        return decode_pictures(raw, *self.size, 3)

    def depths(self) -> list[list[keras.layers.Layer]]:
        """The stages."""
        return self.stages


def build_towers(settings: PretrainedImageSettings, names: Sequence[str]) -> dict[str, Tower]:
    """Towers that share everything."""
    network = Network(settings, name="_".join([*names, settings.architecture]))
    height, width = settings.size
    return {name: SharedTower(network, settings.vector_size, name, height * width * 3) for name in names}
