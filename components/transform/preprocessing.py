"""What the Transform step computes: token ids over one vocabulary; the texts themselves pass through."""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components.transform.settings import TransformSettings
from components.transform.tokens import tokenize
from components.transform.vocabulary import NAME, RESERVED

TEXTS = ("question", "answer")


def preprocessing_fn(inputs: dict[str, tf.Tensor], custom_config: dict[str, Any]) -> dict[str, Any]:
    """Token ids of every text, over the most frequent tokens of both sides of the training split.

    Args:
        inputs: raw string features of shape [N, 1].
        custom_config: `settings`, a TransformSettings as a dict.

    Returns:
        `id`, `question`, `answer`: string[N]; `question_ids`, `answer_ids`: sparse int64[N, tokens], as `Vocabulary`
        has them. Not ragged: the records would call ragged ids `question_ids$ragged_values`.
    """
    settings = TransformSettings.model_validate(custom_config["settings"])
    texts = {name: tf.reshape(inputs[name], [-1]) for name in TEXTS}
    tokens = {name: tokenize(text) for name, text in texts.items()}
    vocabulary = tft.vocabulary(
        tf.concat(list(tokens.values()), axis=0),
        top_k=settings.vocabulary_size,
        frequency_threshold=settings.min_count,
        vocab_filename=NAME,
    )
    ids = {
        f"{name}_ids": tokens[name]
        .with_flat_values(tft.apply_vocabulary(tokens[name].flat_values, vocabulary, default_value=-1) + RESERVED)
        .to_sparse()
        for name in TEXTS
    }
    return {"id": tf.reshape(inputs["id"], [-1]), **texts, **ids}
