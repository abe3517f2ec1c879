"""The largest of many numbers against a stable sort in NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from components.search.largest import largest


def check(rows: np.ndarray, k: int) -> None:
    found = largest(tf.constant(rows), k)
    order = np.argsort(-rows, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(found.indices, order)
    np.testing.assert_array_equal(found.values, np.take_along_axis(rows, order, axis=1))
    assert found.indices.dtype == tf.int32


@settings(deadline=None, max_examples=60)
@example(rows=2, count=256, k=1, kinds=1, seed=0)  # blocks of 16, all numbers equal
@example(rows=2, count=5_121, k=20, kinds=2, seed=1)  # a last block of one number
@given(
    rows=st.integers(0, 4),
    count=st.integers(1, 5_000),
    k=st.integers(1, 30),
    kinds=st.sampled_from([1, 2, 5, 10**6]),
    seed=st.integers(0, 99),
)
def test_of_equal_numbers_the_first(rows: int, count: int, k: int, kinds: int, seed: int) -> None:
    numbers = np.random.default_rng(seed).integers(kinds, size=(rows, count)) - kinds // 2
    check(numbers.astype(np.float32), min(k, count))


@pytest.mark.parametrize("count", [1_280, 1_283])
def test_nothing_is_found_that_is_not_there(count: int) -> None:
    """Where the end of the last block is filled up."""
    check(np.full((2, count), -np.inf, np.float32), 5)
    check(np.full((2, count), np.finfo(np.float32).min, np.float32), 5)


def test_none_of_none() -> None:
    assert largest(tf.zeros([2, 0]), 0).indices.shape == (2, 0)
    assert largest(tf.zeros([2, 900]), 0).indices.shape == (2, 0)
