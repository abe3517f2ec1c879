"""What callers give as the arrays that are sent."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Rows = Sequence[str] | Sequence[bytes]
"""Texts, or encoded pictures."""


def as_tensor(name: str, value: Any) -> np.ndarray:
    """`value` as an array of a type that a tensor has. Raises TypeError if it is ragged."""
    try:
        array = np.asarray(value)
    except UnicodeDecodeError:
        return np.array(value, object)  # str beside bytes that are no ASCII
    except ValueError as error:
        raise TypeError(f"input {name!r} is ragged: all lists of one level must have the same length") from error
    if isinstance(value, np.ndarray | np.generic):
        return array.astype(object) if array.dtype.kind in "US" else array
    if array.dtype.kind in "US":
        return np.array(value, object)  # straight from the list: NumPy's own strings lose trailing NUL bytes
    if array.dtype == np.float64:
        return array.astype(np.float32)
    if array.dtype == np.int64 and np.array_equal(array, array.astype(np.int32)):
        return array.astype(np.int32)
    return array


def from_rows(rows: Rows) -> dict[str, np.ndarray]:
    """The one input of our signatures: `text` for str, `image_bytes` for bytes.

    Raises TypeError for one that is not in a list, for no rows, for other types and for a mixture.
    """
    if isinstance(rows, str | bytes):
        raise TypeError(f"rows must be a list, one item a row; got one {type(rows).__name__}: {rows!r:.80}")
    items = list(rows)
    kinds = sorted({type(item).__name__ for item in items})
    if kinds not in (["str"], ["bytes"]):
        raise TypeError(f"rows must be all texts (str) or all pictures (bytes); got {', '.join(kinds) or 'none'}")
    return {"text" if kinds == ["str"] else "image_bytes": np.array(items, object)}
