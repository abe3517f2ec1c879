"""Token ids, the same in the Transform step, in training and in the serving graph."""

import tensorflow as tf

NAME = "tokens"
"""Name of the vocabulary among the Transform step's assets."""

RESERVED = 2
"""Ids before the first token's: 0 pads, 1 stands for every unknown token."""

UNKNOWN = 1


class Vocabulary(tf.Module):
    """The lookup of one vocabulary file: a token a line, the first has id 2."""

    def __init__(self, file: str) -> None:
        super().__init__()
        with tf.io.gfile.GFile(file, "rb") as lines:
            tokens = lines.read().splitlines()
        self.size = len(tokens) + RESERVED
        # The tokens by value: a table over a file goes by a name made of the file's path or of an object's address, so
        # that two vocabularies in one process may share a table, and the name is exported.
        initializer = tf.lookup.KeyValueTensorInitializer(
            tf.constant(tokens, tf.string), tf.range(RESERVED, self.size, dtype=tf.int64)
        )
        self._table = tf.lookup.StaticHashTable(initializer, default_value=UNKNOWN)

    def lookup(self, tokens: tf.RaggedTensor) -> tf.RaggedTensor:
        """Ids, int64[N, (tokens)], of tokens, string[N, (tokens)]."""
        return tokens.with_flat_values(self._table.lookup(tokens.flat_values))
