"""What the Transform step computes: token ids over one vocabulary, label ids over another; raw values pass through."""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components.parts import Kind
from components.transform.settings import TransformSettings
from components.transform.tokens import tokenize
from components.transform.vocabulary import LABELS, NAME, RESERVED


def preprocessing_fn(inputs: dict[str, tf.Tensor], custom_config: dict[str, Any]) -> dict[str, Any]:
    """Token ids of every text, over the most frequent tokens of all texts of the training split; ids of labels.

    Args:
        inputs: raw string features with one value a row, of shape [N, 1], or sparse where the schema has no shape.
        custom_config: `settings`, a TransformSettings as a dict, and `parts`, what each value of a row is by name.

    Returns:
        `id` and the parts: string[N]; for a text PART also `PART_ids`: sparse int64[N, tokens], as `Vocabulary` has
        them (not ragged: the records would call ragged ids `PART_ids$ragged_values`); for a label `label_id`: int64[N],
        its line in the vocabulary of the training split's labels, most frequent first, or -1 where it is not there.
    """
    settings = TransformSettings.model_validate(custom_config["settings"])
    parts: dict[str, Kind] = custom_config["parts"]
    values = {name: _column(inputs[name]) for name in ("id", *parts)}
    tokens = {name: tokenize(values[name]) for name, kind in parts.items() if kind == "text"}
    return values | _token_ids(tokens, settings) | _label_ids(values, parts)


def _column(feature: tf.Tensor | tf.SparseTensor) -> tf.Tensor:
    return feature.values if isinstance(feature, tf.SparseTensor) else tf.reshape(feature, [-1])


def _token_ids(tokens: dict[str, tf.RaggedTensor], settings: TransformSettings) -> dict[str, tf.SparseTensor]:
    if not tokens:
        return {}
    vocabulary = tft.vocabulary(
        tf.concat(list(tokens.values()), axis=0),
        top_k=settings.vocabulary_size,
        frequency_threshold=settings.min_count,
        vocab_filename=NAME,
    )
    return {
        f"{name}_ids": ragged.with_flat_values(
            tft.apply_vocabulary(ragged.flat_values, vocabulary, default_value=-1) + RESERVED
        ).to_sparse()
        for name, ragged in tokens.items()
    }


def _label_ids(values: dict[str, tf.Tensor], parts: dict[str, Kind]) -> dict[str, tf.Tensor]:
    return {
        f"{name}_id": tft.compute_and_apply_vocabulary(values[name], default_value=-1, vocab_filename=LABELS)
        for name, kind in parts.items()
        if kind == "label"
    }
