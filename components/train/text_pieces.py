"""Texts cut into sentences or words that make up the text again when they are joined.

Cuts are made in raw texts, so that every encoder, whatever its tokens are, reads the outcome as it reads any text.
"""

import tensorflow as tf

_CUT = "\x1f"  # ASCII's unit separator; where a text has one, it is cut there, too, and loses it
_ENDS = r"([.!?]+[\"')\]]*\s+|[。！？…]+[”」』）]*|\n\s*)"
_ONE_CHARACTER_WORDS = r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]\s*)"
_SPACES = r"(\S\s+)"


def sentences(text: tf.Tensor) -> tf.RaggedTensor:
    """Sentences with the space behind them, string[N, (sentences)], of texts, string[N]; an empty text has none.

    A full stop ends one only before a space, so that `1.5 m` stays whole.
    """
    return _cut(tf.strings.regex_replace(text, _ENDS, rf"\1{_CUT}"))


def words(text: tf.Tensor) -> tf.RaggedTensor:
    """Words with the space behind them, string[N, (words)]; Han, kana and Hangul characters are words of their own."""
    before = tf.strings.regex_replace(text, _ONE_CHARACTER_WORDS, rf"{_CUT}\1{_CUT}")
    return _cut(tf.strings.regex_replace(before, _SPACES, rf"\1{_CUT}"))


def join(pieces: tf.RaggedTensor) -> tf.Tensor:
    """The texts, string[N], of their pieces."""
    return tf.strings.reduce_join(pieces, axis=1)


def _cut(text: tf.Tensor) -> tf.RaggedTensor:
    pieces = tf.strings.split(text, _CUT)
    return tf.ragged.boolean_mask(pieces, tf.strings.length(pieces) > 0)
