"""Networks of `keras.applications` with weights of a local file."""

import warnings
from collections.abc import Callable

import keras
import tensorflow as tf

from components.encoders.architectures import ARCHITECTURES, Name, classes_in
from components.errors import UserError

type Preprocess = Callable[[tf.Tensor], tf.Tensor]


def load_backbone(name: Name, size: tuple[int, int], file: str) -> keras.Model:
    """A network from pictures, float32[N, height, width, 3], to features averaged over the picture, float32[N, width].

    Args:
        name: of the network.
        size: height and width.
        file: its weights, with classes or without; see `architectures.classes_in`.

    Raises:
        UserError: the file cannot be read, or a layer's weights are not there or have another shape.
    """
    build = getattr(keras.applications, ARCHITECTURES[name].function)
    shape = (*size, 3)
    backbone = build(weights=None, include_top=False, pooling="avg", input_shape=shape)
    try:
        classes = classes_in(file, name)
        saved = build(weights=None, classes=classes, input_shape=shape) if classes else backbone
        _load(saved, file)
    except (ValueError, OSError, KeyError) as error:
        what = " ".join(str(error).partition("List of objects")[0].split())  # of all layers after the first
        raise UserError(f"{file} cannot be read as weights of {name}: {what}") from None
    backbone.set_weights(saved.get_weights()[: len(backbone.weights)])
    return backbone


def _load(network: keras.Model, file: str) -> None:
    """Every weight of a network; that the file has no others is what `classes_in` has seen to.

    Raises:
        ValueError: a layer's weights are not there, of which Keras at times only warns, or have another shape.
    """
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", UserWarning)
        network.load_weights(file)
    if warned:
        raise ValueError(str(warned[0].message))


def preprocess(name: Name) -> Preprocess:
    """What makes of pixels from 0 to 255 the numbers that a network was trained on."""
    return getattr(keras.applications, ARCHITECTURES[name].module).preprocess_input


def stages(backbone: keras.Model) -> list[list[keras.layers.Layer]]:
    """Layers by the resolution they work at, the largest first; a stage begins where the picture gets smaller."""
    (_, height, width, _) = backbone.input_shape
    smallest = height * width
    found: list[list[keras.layers.Layer]] = []
    for layer in backbone.layers:
        parts = [layer, *getattr(layer, "layers", [])]
        if any(getattr(part, "strides", 1) not in (1, (1, 1)) for part in parts):  # others only gather for a while
            (_, height, width, _) = layer.output.shape
            if height * width < smallest:
                smallest = height * width
                found.append([])
        if layer.weights:
            found[-1].append(layer)
    return found
