"""Where a sparse sign sketch puts each term: drawn by a hash of the term, so that no table need be kept.

Source: Charikar et al. 2002, "Finding Frequent Items in Data Streams"; Weinberger et al. 2009, "Feature Hashing for
Large Scale Multitask Learning".
"""

import tensorflow as tf

COORDINATES_PER_TERM = 4

# The finaliser of SplitMix64 (Steele et al. 2014, "Fast Splittable Pseudorandom Number Generators").
_STEP = 0x9E3779B97F4A7C15 - 2**64
_FIRST = 0xBF58476D1CE4E5B9 - 2**64
_SECOND = 0x94D049BB133111EB - 2**64


def places(terms: tf.Tensor, dimensions: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The coordinates of terms, and with which sign each is there.

    Args:
        terms: int64[T], at least 0.
        dimensions: how many coordinates there are.

    Returns:
        int64[T, COORDINATES_PER_TERM] below `dimensions`, and float32 of the same shape, 1 or -1.
    """
    draws = terms[:, tf.newaxis] * COORDINATES_PER_TERM + tf.range(COORDINATES_PER_TERM, dtype=tf.int64)
    mixed = (draws + 1) * _STEP
    mixed = _folded(mixed, 30) * _FIRST
    mixed = _folded(mixed, 27) * _SECOND
    mixed = _folded(mixed, 31)
    coordinates = tf.bitwise.bitwise_and(tf.bitwise.right_shift(mixed, 1), 2**62 - 1) % dimensions
    return coordinates, tf.cast(1 - 2 * tf.bitwise.bitwise_and(mixed, 1), tf.float32)


def _folded(values: tf.Tensor, bits: int) -> tf.Tensor:
    no_sign = 2 ** (64 - bits) - 1  # a right shift fills with copies of it
    shifted = tf.bitwise.bitwise_and(tf.bitwise.right_shift(values, bits), no_sign)
    return tf.bitwise.bitwise_xor(values, shifted)
