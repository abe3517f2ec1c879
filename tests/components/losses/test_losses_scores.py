import doctest
import importlib
import math

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from components.losses.scores import cosine_scores, unit_vectors


def test_it_equals_the_naive_loop() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(3, 4)) * [[1], [1e-5], [1e5]], generator.normal(size=(5, 4))
    expected: list[list[float]] = [[float(x @ y) / math.sqrt(float(x @ x) * float(y @ y)) for y in b] for x in a]
    scores = cosine_scores(a, b)
    assert scores.shape == (3, 5)
    np.testing.assert_allclose(scores, expected, rtol=1e-9)


def test_zero_vectors_score_zero_with_a_finite_gradient() -> None:
    a, b = tf.constant([[0.0, 0.0], [3.0, 4.0]]), tf.constant([[2.0, 0.0], [0.0, 0.0], [0.0, -5.0]])
    with tf.GradientTape() as tape:
        tape.watch([a, b])
        scores = cosine_scores(a, b)
    np.testing.assert_allclose(scores, [[0.0, 0.0, 0.0], [0.6, 0.0, -0.8]], rtol=1e-6)
    for gradient in tape.gradient(scores, [a, b]):
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() < 10


@pytest.mark.parametrize("length", [1e-11, 2e-12, 1e-13, 1e-14, 1e-15, 1e-20, 1e-38])
def test_very_short_vectors_have_a_finite_gradient(length: float) -> None:
    a = tf.constant([[length, 2 * length]])
    with tf.GradientTape() as tape:
        tape.watch(a)
        scores = cosine_scores(a, [[1.0, 1.0], [3.0, -1.0]])
    assert np.isfinite(tape.gradient(scores, a)).all()
    if length > 1e-12:
        np.testing.assert_allclose(scores, cosine_scores([[1.0, 2.0]], [[1.0, 1.0], [3.0, -1.0]]), rtol=1e-5)


def test_the_gradient_of_unit_vectors_is_that_of_finite_differences() -> None:
    vectors, weights, step = np.array([[0.5, -2.0, 1.0], [3.0, 0.1, 0.2]]), np.array([1.0, -3.0, 0.5]), 1e-6
    point = tf.constant(vectors)
    with tf.GradientTape() as tape:
        tape.watch(point)
        total = tf.reduce_sum(unit_vectors(point) * weights)
    expected = np.zeros_like(vectors)
    for cell in np.ndindex(*vectors.shape):
        up, down = vectors.copy(), vectors.copy()
        up[cell] += step
        down[cell] -= step
        expected[cell] = np.sum((unit_vectors(up).numpy() - unit_vectors(down).numpy()) * weights) / (2 * step)
    np.testing.assert_allclose(tape.gradient(total, point), expected, atol=1e-8)
    assert np.abs(expected).max() > 0.1


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_is_computed_in_float32(dtype: type) -> None:
    vectors: np.ndarray = np.random.default_rng(1).normal(size=(4, 64)).astype(dtype)
    scores = cosine_scores(vectors, vectors[:2])
    assert scores.dtype == tf.float32
    np.testing.assert_allclose(np.diag(scores), [1, 1], rtol=1e-6)
    np.testing.assert_allclose(cosine_scores(np.full((1, 64), 3e4, np.float16), np.ones((1, 64))), [[1]], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "examples"),
    [
        ("scores", 1),
        ("negatives", 3),
        ("triplet", 1),
        ("ranking", 1),
        ("cross_entropy", 1),
        ("center", 2),
        ("contrastive", 2),
        ("arcface", 1),
        ("info_nce", 1),
        ("pair_contrastive", 1),
        ("circle", 1),
        ("multi_similarity", 1),
        ("pairs_objective", 3),
    ],
)
def test_the_examples_of_the_docstrings_are_right(name: str, examples: int) -> None:
    assert doctest.testmod(importlib.import_module(f"components.losses.{name}")) == (0, examples)
