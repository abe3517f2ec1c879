"""Tokens of Latin, CJK and any other script, by TensorFlow operations that Beam, tf.data and serving all run."""

import tensorflow as tf

_ONE_TOKEN_EACH = r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}])"  # noqa: S105
_SEPARATORS = r"[^\p{L}\p{M}\p{N}]+"


def tokenize(text: tf.Tensor) -> tf.RaggedTensor:
    """Split texts into lower-case words; Han, kana and Hangul characters are tokens of their own.

    Args:
        text: string[N], UTF-8.

    Returns:
        string[N, (tokens)]; a text without letters or digits has no token.
    """
    text = tf.strings.lower(text, encoding="utf-8")
    text = tf.strings.regex_replace(text, _ONE_TOKEN_EACH, r" \1 ")
    text = tf.strings.regex_replace(text, _SEPARATORS, " ")
    return tf.strings.split(text)
