"""Token ids, the same in the Transform step, in training and in the serving graph."""

import tensorflow as tf

NAME = "tokens"
"""Name of the tokens' vocabulary among the Transform step's assets."""

LABELS = "labels"
"""Name of the labels' vocabulary."""

RESERVED = 2
"""Ids before the first token's: 0 pads, 1 stands for every unknown token."""

UNKNOWN = 1


def read_vocabulary(file: str) -> list[bytes]:
    """The entries of a vocabulary file, one a line."""
    with tf.io.gfile.GFile(file, "rb") as lines:
        return lines.read().splitlines()


class Vocabulary(tf.Module):
    """The lookup of one vocabulary file: a token a line, the first has id 2."""

    def __init__(self, file: str) -> None:
        super().__init__()
        tokens = read_vocabulary(file)
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
