from pathlib import Path

import pytest
import tensorflow as tf

from components.signatures import signature_inputs


class Answers(tf.Module):
    """Signatures that read a text, a picture, both, or something else."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def text(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"length": tf.strings.length(text)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def picture(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"length": tf.strings.length(image_bytes)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"rank": tf.strings.length(examples)}


def test_what_each_signature_reads_is_told_and_other_signatures_are_left_out(tmp_path: Path) -> None:
    answers = Answers()
    signatures = {
        "serving_default": answers.picture,
        "search": answers.picture,
        "answer": answers.text,
        "evaluate": answers.evaluate,
    }
    tf.saved_model.save(answers, str(tmp_path / "model"), signatures=signatures)
    expected = {"answer": "text", "search": "image", "serving_default": "image"}
    assert signature_inputs(tmp_path / "model") == signature_inputs(str(tmp_path / "model")) == expected


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        signature_inputs(tmp_path)
