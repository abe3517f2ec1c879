import numpy as np
import pytest
import tensorflow as tf

from components.losses.pairs import as_pairs, row_mean, uniform_weights


def test_masks_leave_out_rows_that_lack_either_kind() -> None:
    positive = [[0.0, 1.0, 1.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    pairs = as_pairs(positive, np.zeros((4, 3), np.float16))
    np.testing.assert_array_equal(pairs.positive, [[0, 1, 1], [0, 0, 0], [0, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(pairs.negative, [[1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 1, 1]])
    assert (pairs.scores.dtype, pairs.positive.dtype, pairs.negative.dtype) == (tf.float32, tf.bool, tf.bool)


def test_what_is_below_0_is_neither_right_nor_wrong() -> None:
    pairs = as_pairs(np.array([[1, -1, 0], [-1, 0, 0], [1, -1, -1]], np.int8), np.zeros((3, 3)))
    np.testing.assert_array_equal(pairs.positive, [[1, 0, 0], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(pairs.negative, [[0, 0, 1], [0, 0, 0], [0, 0, 0]])


def test_means_and_weights_of_rows() -> None:
    values, mask = np.array([[1.0, 5.0, 2.0], [3.0, 4.0, 8.0]]), np.array([[True, False, True], [False] * 3])
    np.testing.assert_array_equal(row_mean(values, mask), [[1.5], [0.0]])
    np.testing.assert_array_equal(uniform_weights(mask, "float64"), [[0.5, 0.0, 0.5], [0.0, 0.0, 0.0]])


@pytest.mark.parametrize("shape", [(3,), (2, 1), (1, 3), (2, 3, 1)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"both must be one and the same \[questions, candidates\]"):
        as_pairs(np.zeros(shape), np.zeros((2, 3)))
