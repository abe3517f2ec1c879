"""Token ids, the same in the Transform step, in training and in the serving graph."""

import tensorflow as tf

NAME = "tokens"
"""Name of the vocabulary among the Transform step's assets."""

RESERVED = 2
"""Ids before the first token's: 0 pads, 1 stands for every unknown token."""


class Vocabulary(tf.Module):
    """The lookup of one vocabulary file: a token a line, the first has id 2."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = tf.saved_model.Asset(file)
        initializer = tf.lookup.TextFileInitializer(
            self._file,
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        self._table = tf.lookup.StaticHashTable(initializer, default_value=-1)
        self.size = int(self._table.size()) + RESERVED

    def lookup(self, tokens: tf.RaggedTensor) -> tf.RaggedTensor:
        """Ids, int64[N, (tokens)], of tokens, string[N, (tokens)]."""
        return tokens.with_flat_values(self._table.lookup(tokens.flat_values) + RESERVED)
