"""The directions in which vectors differ most."""

import numpy as np
import tensorflow as tf

from components.encoders.directions import main_directions

VECTORS = np.random.default_rng(1).normal(size=(40, 6)) @ np.diag([1, 9, 2, 7, 1, 1])


def find(sizes: list[int], most: int) -> tuple[np.ndarray, list[int]]:
    """Of batches of so many rows, named by their numbers; and how many rows of each were encoded."""
    encoded = []

    def encode(raw: tf.Tensor) -> tf.Tensor:
        encoded.append(int(tf.size(raw)))
        return tf.constant(VECTORS[tf.strings.to_number(raw, tf.int32)], tf.float32)

    rows = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    return main_directions(encode, (tf.strings.as_string(batch) for batch in rows), most), encoded


def test_they_are_orthonormal_and_no_other_two_leave_less_of_the_unit_vectors() -> None:
    directions, encoded = find([15, 25], most=40)
    np.testing.assert_allclose(directions.T @ directions, np.eye(6), atol=1e-5)
    assert encoded == [15, 25]
    unit = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)

    def left(two: np.ndarray) -> float:
        return float(np.sum((unit - unit @ two @ two.T) ** 2))

    random = np.random.default_rng(2)
    others = [np.linalg.qr(directions[:, :2] + random.normal(scale=0.1, size=(6, 2)))[0] for _ in range(50)]
    assert left(directions[:, :2]) < min(map(left, others))


def test_no_more_rows_are_encoded_than_asked_for() -> None:
    directions, encoded = find([15, 25], most=20)
    assert encoded == [15, 5]
    np.testing.assert_allclose(directions, find([20], most=30)[0], atol=1e-5)


def test_fewer_rows_than_dimensions_leave_no_direction_out() -> None:
    directions, _ = find([2], most=20)
    np.testing.assert_allclose(directions.T @ directions, np.eye(6), atol=1e-5)
