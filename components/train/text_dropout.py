"""Words and spans that a text loses while it is learnt from: what is left must do.

Word dropout is that of Iyyer et al. 2015 ("Deep Unordered Composition Rivals Syntactic Methods for Text
Classification"); a span is lost whole, which takes phrases away, too.
"""

import tensorflow as tf

from components.train.text_pieces import join, words


def drop_words(text: tf.Tensor, share: float, seed: tf.Tensor) -> tf.Tensor:
    """Texts, string[N], in which each word is lost with a probability of `share`; of each text one word stays.

    Args:
        text: string[N].
        share: at least 0 and below 1.
        seed: int64[2], of this draw.
    """
    pieces = words(text)
    draws = pieces.with_flat_values(tf.random.stateless_uniform(tf.shape(pieces.flat_values), seed))
    luckiest = tf.reduce_max(draws, axis=1)  # no word can be above it, and one is it
    kept = draws.flat_values >= tf.minimum(share, tf.gather(luckiest, draws.value_rowids()))
    return join(tf.ragged.boolean_mask(pieces, pieces.with_flat_values(kept)))


def drop_span(text: tf.Tensor, most: float, seed: tf.Tensor) -> tf.Tensor:
    """Texts, string[N], that each lose a run of words, of a length from 0 to `most` of all its words, anywhere.

    Args:
        text: string[N].
        most: at least 0 and below 1.
        seed: int64[2], of this draw.
    """
    pieces = words(text)
    count = pieces.row_lengths()
    length, start = random_runs(count, 0.0, most, seed)
    place = tf.range(tf.size(pieces.flat_values, tf.int64)) - tf.gather(pieces.row_starts(), pieces.value_rowids())
    from_start = place - tf.gather(start, pieces.value_rowids())
    kept = (from_start < 0) | (from_start >= tf.gather(length, pieces.value_rowids()))
    return join(tf.ragged.boolean_mask(pieces, pieces.with_flat_values(kept)))


def random_runs(count: tf.Tensor, least: float, most: float, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Lengths and starts, int64[N] each, of a run in each row of `count` places, int64[N].

    A length is uniform from `least` to `most` of the places, rounded to the nearest; a start is uniform where it fits.
    """
    draws = tf.random.stateless_uniform(tf.stack([2, tf.size(count)]), seed)
    length = tf.cast(tf.round((least + (most - least) * draws[0]) * tf.cast(count, tf.float32)), tf.int64)
    room = tf.cast(count - length + 1, tf.float32)
    return length, tf.minimum(tf.cast(draws[1] * room, tf.int64), count - length)
