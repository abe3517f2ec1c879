"""The smallest network of `keras.applications` with random weights, and files of them as Keras 2 and 3 lay them out."""

from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from components.encoders.architectures import Name

SIZE = (32, 40)
NAME: Name = "mobilenet_v3_small"
WIDTH = 576


def make_network(**options: Any) -> keras.Model:
    """Without a top, unless told otherwise; its features tell pictures apart, because each layer's are normalised."""
    keras.utils.set_random_seed(4)
    options = {"include_top": False, "pooling": "avg"} | options
    network = keras.applications.MobileNetV3Small(weights=None, input_shape=(*SIZE, 3), **options)
    averaging = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in averaging:
        layer.momentum = 0.0
    network(np.random.default_rng(5).uniform(0, 255, (16, *SIZE, 3)).astype(np.float32), training=True)
    return network


def write_published(file: Path, network: keras.Model, inside: str = "/") -> Path:
    """As Keras 2 wrote weights and Keras publishes them; inside a group where it saved a whole model."""
    with h5py.File(file, "w") as opened:
        group = opened.require_group(inside)
        group.attrs["layer_names"] = [layer.name for layer in network.layers]
        for layer in network.layers:
            weights = layer.trainable_weights + layer.non_trainable_weights
            names = [f"{weight.path}:0" for weight in weights]
            own = group.create_group(layer.name)
            own.attrs["weight_names"] = names
            for name, weight in zip(names, weights, strict=True):
                own[name] = weight.numpy()
    return file
