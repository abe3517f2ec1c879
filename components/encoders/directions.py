"""The directions in which vectors differ most."""

from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from components.losses.scores import unit_vectors


def main_directions(encode: Callable[[tf.Tensor], tf.Tensor], raw: Iterable[tf.Tensor], most: int) -> np.ndarray:
    """The right singular vectors of the first rows' unit vectors, float32[width, width], the strongest column first.

    Cosines change least when vectors are projected to the first of them.

    Args:
        encode: makes vectors, float32[N, width], of raw values.
        raw: texts or pictures, string[N] each; at least one row in all.
        most: as many rows are looked at.
    """
    vectors, rows = [], 0
    for batch in raw:
        vectors.append(unit_vectors(encode(batch[: most - rows])).numpy())
        rows += len(vectors[-1])
        if rows >= most:
            break
    directions: np.ndarray = np.linalg.svd(np.concatenate(vectors), full_matrices=True)[2]
    return directions.T
