"""Many rows, computed a few at a time."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def in_blocks(function: Callable[[Any], Any], rows: Any, size: int, signature: Any, parallel: int = 1) -> Any:
    """What `function` makes of blocks of `size` rows, put together again; the last block repeats the last row.

    Args:
        function: takes a block in the structure of `rows` and returns tensors whose first axis is the block's.
        rows: a structure of tensors, N rows each.
        size: rows of a block.
        signature: a structure of `tf.TensorSpec` of what `function` returns for one block.
        parallel: so many blocks at once.

    Returns:
        The structure of `signature`, N rows each.
    """
    count = tf.shape(tf.nest.flatten(rows)[0])[0]
    places = tf.minimum(tf.range(count + -count % size), count - 1)

    def block(places: tf.Tensor) -> Any:
        return function(tf.nest.map_structure(lambda values: tf.gather(values, places), rows))

    blocks = tf.map_fn(
        block, tf.reshape(places, [-1, size]), parallel_iterations=parallel, fn_output_signature=signature
    )
    return tf.nest.map_structure(lambda values: tf.reshape(values, [-1, *values.shape[2:]])[:count], blocks)
