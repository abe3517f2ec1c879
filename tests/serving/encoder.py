"""A small model with our signatures, whose answers are easy to foretell."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from serving.server.silent_tensorflow import tf


class Encoder(tf.Module):
    """Our signatures over strings; `factor` tells versions apart."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = tf.Variable(factor)

    def vectors(self, rows: Any) -> Any:
        length = tf.cast(tf.strings.length(rows), tf.float32) * self.factor
        return {"vector": tf.stack([length, -length, tf.ones_like(length)], 1)}

    def features(self, rows: Any) -> Any:
        """The vectors and one output more than ours have."""
        return {**self.vectors(rows), "length": tf.strings.length(rows)}

    def search(self, rows: Any) -> Any:
        """Two candidates a row: the row after "né ", and the row itself with a quarter of the score."""
        score = self.vectors(rows)["vector"][:, 0]
        return {
            "ids": tf.stack([tf.fill(tf.shape(rows), "a1"), rows], 1),
            "candidates": tf.stack([tf.strings.join(["né ", rows]), rows], 1),
            "scores": tf.stack([score, score / 4.0], 1),
        }

    def classify(self, rows: Any) -> Any:
        """`seven`, and with `factor` eighths of the probability `length N`. A row that begins with `bad` is refused."""
        with tf.control_dependencies(
            [tf.debugging.Assert(~tf.strings.regex_full_match(row, "bad.*"), ["it is bad"]) for row in [rows[0]]]
        ):
            share = tf.ones([tf.size(rows), 1]) * self.factor / 8.0
        lengths = tf.strings.join(["length ", tf.strings.as_string(tf.strings.length(rows))])
        labels = tf.stack([tf.fill(tf.shape(rows), "seven"), lengths], 1)
        return {"labels": labels, "probabilities": tf.concat([1.0 - share, share], 1)}

    def neighbors(self, rows: Any) -> Any:
        score = tf.ones([tf.size(rows), 1]) * self.factor / 4.0
        ids = tf.tile([["7/a.png", "7/b.png"]], [tf.size(rows), 1])
        labels = tf.tile([["seven", "eight"]], [tf.size(rows), 1])
        return {"ids": ids, "labels": labels, "scores": tf.concat([score, score / 2.0], 1)}


def save_encoder(path: Path, factor: float, reads: Mapping[str, str]) -> None:
    """Save a version with the signatures that `reads` names, each with its input: `text` or `image_bytes`."""
    encoder = Encoder(factor)
    vectors = dict.fromkeys(["question", "answer", "image_features"], encoder.vectors)
    vectors["text_features"] = encoder.features
    functions = {**vectors, "search": encoder.search, "classify": encoder.classify, "neighbors": encoder.neighbors}
    signatures = {
        name: tf.function(functions[name], input_signature=[tf.TensorSpec([None], tf.string, key)])
        for name, key in reads.items()
    }
    encoder.kept = signatures
    tf.saved_model.save(encoder, str(path), signatures=signatures)
