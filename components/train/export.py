"""The SavedModel that is judged, checked, pushed and served: raw texts or pictures in, vectors and answers out."""

from collections.abc import Callable, Iterable, Mapping

import keras
import tensorflow as tf

from components.parts import INPUT_KEY, Modality
from components.train.compress import Compression
from components.train.settings import Weights

type Outputs = Mapping[str, tf.Tensor]
type Function = Callable[[tf.Tensor], Outputs]

EXAMPLES = "examples"
"""Input of `evaluate`: serialised tf.Examples."""


def export(
    tracked: Iterable[tf.Module],
    signatures: Mapping[str, tuple[Modality, Function]],
    default: str,
    evaluate: Function,
    folder: str,
    *,
    weights: Weights = "float32",
) -> None:
    """Write a SavedModel.

    Through Keras's ExportArchive: what a plain `tf.saved_model.save` writes of Keras 3 layers does not load in a TF 1
    session, which is how TensorFlow Serving loads.

    Args:
        tracked: whatever holds variables or tables; of the variables, those that a function reads are written.
        signatures: what each reads, and the function; inputs are called INPUT_KEY.
        default: the one that is also `serving_default`.
        evaluate: signature `evaluate`, on serialised tf.Examples.
        folder: where to; must not exist.
        weights: how large ones are stored, see `compress`.
    """
    tracked = list(tracked)
    compression = Compression(tracked, weights)
    archive = keras.export.ExportArchive()
    together = tf.Module()  # of a layer by itself, the archive would write all variables a second time
    together.resources = [*tracked, *compression.resources]
    archive.track(together)
    stored = [part for compressed in compression.resources for part in compressed.stored]
    archive.add_variable_collection("stored", stored)
    for name, (modality, function) in signatures.items():
        traced = _traced(compression.reading(function), INPUT_KEY[modality])
        archive.add_endpoint(name, traced)
        if name == default:
            archive.add_endpoint("serving_default", traced)
    archive.add_endpoint("evaluate", _traced(compression.reading(evaluate), EXAMPLES))
    archive.write_out(folder, verbose=False)


def _traced(function: Function, key: str) -> Callable[[tf.Tensor], Outputs]:
    spec = tf.TensorSpec([None], tf.string, name=key)
    return tf.function(function, input_signature=[spec], autograph=False)
