"""The SavedModel that is judged, checked, pushed and served: raw texts in, vectors and answers out."""

import keras
import tensorflow as tf

from components.tasks.library import Library
from components.tasks.match import MatchModel

_TEXT = [tf.TensorSpec([None], tf.string, name="text")]
_EXAMPLES = [tf.TensorSpec([None], tf.string, name="examples")]
_PAIR = {name: tf.io.FixedLenFeature([], tf.string) for name in ("question", "answer")}


def export_match(model: MatchModel, library: Library, candidates: int, folder: str) -> None:
    """Write a SavedModel with the signatures question, answer, search (the default) and evaluate.

    Through Keras's ExportArchive: what a plain `tf.saved_model.save` writes of Keras 3 layers does not load in a TF 1
    session, which is how TensorFlow Serving loads.

    Args:
        model: trained towers.
        library: every candidate with its vector.
        candidates: how many of them `search` returns.
        folder: where to; must not exist.
    """

    def question(text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"vector": model.encode("question", text)}

    def answer(text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"vector": model.encode("answer", text)}

    def search(text: tf.Tensor) -> dict[str, tf.Tensor]:
        return library.search(model.encode("question", text), candidates)._asdict()

    def evaluate(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        pairs = tf.io.parse_example(examples, _PAIR)
        return {"rank": library.rank(model.encode("question", pairs["question"]), pairs["answer"])}

    archive = keras.export.ExportArchive()
    for resource in (model.question, model.answer, library):
        archive.track(resource)
    archive.add_endpoint("question", question, input_signature=_TEXT)
    archive.add_endpoint("answer", answer, input_signature=_TEXT)
    traced = tf.function(search, input_signature=_TEXT, autograph=False)
    archive.add_endpoint("search", traced)
    archive.add_endpoint("serving_default", traced)
    archive.add_endpoint("evaluate", evaluate, input_signature=_EXAMPLES)
    archive.write_out(folder, verbose=False)
