"""The SavedModel that is judged, checked, pushed and served: raw texts or pictures in, vectors and answers out."""

from collections.abc import Callable, Iterable, Mapping

import keras
import tensorflow as tf

from components.parts import INPUT_KEY, Modality

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
) -> None:
    """Write a SavedModel.

    Through Keras's ExportArchive: what a plain `tf.saved_model.save` writes of Keras 3 layers does not load in a TF 1
    session, which is how TensorFlow Serving loads.

    Args:
        tracked: whatever holds variables or tables.
        signatures: what each reads, and the function; inputs are called INPUT_KEY.
        default: the one that is also `serving_default`.
        evaluate: signature `evaluate`, on serialised tf.Examples.
        folder: where to; must not exist.
    """
    archive = keras.export.ExportArchive()
    held = tf.Module()  # because variables of a layer that is tracked itself are written twice
    held.tracked = list(tracked)
    archive.track(held)
    for name, (modality, function) in signatures.items():
        traced = _traced(function, INPUT_KEY[modality])
        archive.add_endpoint(name, traced)
        if name == default:
            archive.add_endpoint("serving_default", traced)
    archive.add_endpoint("evaluate", _traced(evaluate, EXAMPLES))
    archive.write_out(folder, verbose=False)


def _traced(function: Function, key: str) -> Callable[[tf.Tensor], Outputs]:
    spec = tf.TensorSpec([None], tf.string, name=key)
    return tf.function(function, input_signature=[spec], autograph=False)
