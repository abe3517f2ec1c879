"""Arrays whose first dimension is rows, put together and taken apart."""

from collections.abc import Iterable, Sequence

import numpy as np

Arrays = list[np.ndarray]


def common(arrays: Arrays) -> int:
    """The number of rows that all arrays have; 0 if they differ or have none."""
    counts = {len(array) if array.ndim else 0 for array in arrays}
    return counts.pop() if len(counts) == 1 else 0


def join(many: Iterable[Arrays], *, extra: int = 0, pad: bool = False) -> Arrays:
    """The inputs of several requests as those of one.

    Args:
        many: the inputs of each request, in the signature's order.
        extra: how often the first row of the last request is put at the end, to reach a wanted number of rows.
        pad: whether arrays that differ in other dimensions are filled up to the largest, each with its own first
            element as TF Serving does it (batching_util.cc).
    """
    joined = []
    for arrays in zip(*many, strict=True):
        same = _filled_up(arrays) if pad else list(arrays)
        if extra:
            same.append(np.repeat(same[-1][:1], extra, axis=0))
        joined.append(np.concatenate(same))
    return joined


def _filled_up(arrays: Sequence[np.ndarray]) -> Arrays:
    size = tuple(max(sizes) for sizes in zip(*(array.shape[1:] for array in arrays), strict=True))
    return [array if array.shape[1:] == size else _filled(array, size) for array in arrays]


def _filled(array: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    filled = np.full((len(array), *size), array.flat[0], array.dtype)
    filled[tuple(slice(length) for length in array.shape)] = array
    return filled


def split(arrays: Arrays, counts: Iterable[int]) -> list[Arrays]:
    """The first rows, the next rows and so on, as many as each of `counts` says."""
    parts, start = [], 0
    for count in counts:
        parts.append([array[start : start + count] for array in arrays])
        start += count
    return parts


def chunks(rows: int, most: int) -> list[int]:
    """`rows` as numbers of at most `most`."""
    return [min(most, rows - start) for start in range(0, rows, most)]
