"""The largest of many numbers."""

import math
from typing import NamedTuple

import tensorflow as tf

_LANES = 8  # numbers that a processor compares at once
_PER_WANTED = 256  # numbers for each that is wanted; among fewer `top_k` is as quick


class Largest(NamedTuple):
    """The K largest numbers of each row, largest first."""

    values: tf.Tensor
    """float32[N, K]."""
    indices: tf.Tensor
    """int32[N, K], where in the row."""


def largest(rows: tf.Tensor, k: int) -> Largest:
    """As `tf.math.top_k`, of equal numbers the first, too, but of long rows in a fraction of the time.

    Rows are cut into blocks. The k blocks of the largest maxima hold the k largest numbers, and the maximum of a block
    is quickly told, for it takes no comparison of places.

    Args:
        rows: float32[N, C], no NaN; C is static.
        k: at most C.
    """
    count = rows.shape[1]
    if not k or count < _PER_WANTED * k:
        return Largest(*tf.math.top_k(rows, k))
    width = math.isqrt(count // k) // _LANES * _LANES
    if count % width:
        rows = tf.pad(rows, [[0, 0], [0, -count % width]], constant_values=-math.inf)
    blocks = tf.reshape(rows, [-1, rows.shape[1] // width, width])
    chosen = tf.sort(tf.math.top_k(tf.reduce_max(blocks, axis=2), k, sorted=False).indices, axis=1)
    found = tf.math.top_k(tf.reshape(tf.gather(blocks, chosen, batch_dims=1), [-1, k * width]), k)
    block = tf.gather(chosen, found.indices // width, batch_dims=1)
    return Largest(found.values, block * width + found.indices % width)
