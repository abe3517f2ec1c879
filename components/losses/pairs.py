"""The right and the wrong pairs of a score matrix: what every match loss starts from.

`scores[i, j]` is the score of candidate j for question i; `positive[i, j]` says whether candidate j answers question i.
In a batch of pairs that is the diagonal and every further copy of the same answer: a copy marked positive is never
pushed away as if it were wrong.
"""

from typing import Any, NamedTuple

import keras
from keras import ops

type Tensor = Any  # whatever keras.ops takes: a tensor of the backend, a NumPy array, nested lists

EXCLUDED = -1e30  # as a logit: e to this is 0 in every float; finite, so that a row of nothing else has a gradient


class Pairs(NamedTuple):
    """A score matrix and its two masks, all `[B, C]`; both masks are empty in a row that lacks either kind of pair."""

    scores: Tensor
    positive: Tensor
    negative: Tensor


def as_pairs(positive: Tensor, scores: Tensor) -> Pairs:
    """Checks the shapes, widens the scores and splits right from wrong.

    Args:
        positive: `bool` or numbers, `[B, C]`: above 0 where the candidate is right for the row, below 0 where it counts
            neither as right nor as wrong.
        scores: `float[B, C]`, finite; narrower than float32 is computed in float32.

    Returns:
        `Pairs`. A row without a positive or without a negative has nothing to compare: all its pairs are left out.

    Raises:
        ValueError: If the two are not matrices of one shape.
    """
    positive, scores = ops.convert_to_tensor(positive), to_float(scores)
    if not _same_matrix(tuple(positive.shape), tuple(scores.shape)):
        raise ValueError(
            f"positive has shape {tuple(positive.shape)}, scores has {tuple(scores.shape)}: "
            "both must be one and the same [questions, candidates]"
        )
    right, wrong = is_right(positive), ops.logical_not(ops.cast(positive, "bool"))
    comparable = ops.logical_and(_any(right), _any(wrong))
    return Pairs(scores, ops.logical_and(right, comparable), ops.logical_and(wrong, comparable))


def is_right(positive: Tensor) -> Tensor:
    """`bool[B, C]`: where `positive`, as `as_pairs` takes it, is above 0."""
    positive = ops.convert_to_tensor(positive)
    return positive if keras.backend.standardize_dtype(positive.dtype) == "bool" else ops.greater(positive, 0)


def to_float(values: Tensor) -> Tensor:
    """`values` as float32, or wider if they already are."""
    values = ops.convert_to_tensor(values)
    return ops.cast(values, keras.backend.result_type(values.dtype, "float32"))


def as_scalar(value: Tensor, dtype: str) -> Tensor:
    """A number as it is, a tensor as `dtype`."""
    return ops.cast(value, dtype) if ops.is_tensor(value) else value


def row_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of each row of `values: float[B, C]` where `mask: bool[B, C]`, `[B, 1]`; 0 where the mask is empty."""
    weights = uniform_weights(mask, values.dtype)
    return ops.sum(weights * values, axis=1, keepdims=True)


def uniform_weights(mask: Tensor, dtype: str) -> Tensor:
    """Equal weights over each row of `mask: bool[B, C]` that sum to 1, or to 0 where the mask is empty."""
    chosen = ops.cast(mask, dtype)
    return chosen / ops.maximum(ops.sum(chosen, axis=1, keepdims=True), 1)


def _any(mask: Tensor) -> Tensor:
    return ops.any(mask, axis=1, keepdims=True)


def _same_matrix(a: tuple[int | None, ...], b: tuple[int | None, ...]) -> bool:
    if not len(a) == len(b) == 2:  # noqa: PLR2004
        return False
    return all(x == y for x, y in zip(a, b, strict=True) if x is not None and y is not None)
