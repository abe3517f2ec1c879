"""Texts to BERT's word pieces, by ops of TensorFlow Text inside the graph."""

import importlib.util
from collections.abc import Sequence

import tensorflow as tf

from components.errors import UserError


class WordPieces(tf.Module):
    """Splits as BERT does: by spaces, punctuation and Han characters, then into the longest pieces that are known.

    Args:
        vocabulary: the word pieces in the order of their ids; with [PAD], [UNK], [CLS] and [SEP].
        lower_case: lower-case texts and take accents off first.
        max_tokens: longer texts are cut; [CLS] and [SEP] count.

    Raises:
        UserError: TensorFlow Text is not installed.
    """

    def __init__(self, vocabulary: Sequence[str], *, lower_case: bool, max_tokens: int) -> None:
        super().__init__(name="word_pieces")
        if importlib.util.find_spec("tensorflow_text") is None:
            raise UserError("a pretrained text encoder needs tensorflow-text: pip install 'anchorline[pretrained]'")
        import tensorflow_text

        self._tokenizer = tensorflow_text.FastBertTokenizer(list(vocabulary), token_out_type=tf.int32)
        self._decompose = tensorflow_text.normalize_utf8 if lower_case else None
        self.padding, self._first, self._last = (vocabulary.index(token) for token in ("[PAD]", "[CLS]", "[SEP]"))
        self._max_tokens = max_tokens

    def __call__(self, text: tf.Tensor) -> tf.Tensor:
        """Ids, int32[N, T], of texts, string[N]: each between [CLS] and [SEP], padded to the longest of them."""
        pieces = self._tokenizer.tokenize(self._clean(text))[:, : self._max_tokens - 2]
        ends = tf.ones([tf.size(text), 1], tf.int32)
        framed = tf.concat([self._first * ends, pieces, self._last * ends], axis=1)
        return framed.to_tensor(default_value=self.padding)

    def _clean(self, text: tf.Tensor) -> tf.Tensor:
        """As BERT's own: no control characters, accents off. The tokenizer's normaliser would make ² a 2 as well."""
        text = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8")
        text = tf.strings.regex_replace(tf.strings.regex_replace(text, r"[\t\n\r]", " "), r"[\p{C}\x{FFFD}]", "")
        if self._decompose is None:
            return text
        bare = tf.strings.regex_replace(self._decompose(text, "NFD"), r"\p{Mn}", "")
        return tf.strings.lower(bare, encoding="utf-8")
