"""The hash of the sketch against SplitMix64 in whole numbers, and what makes it as good as a table of random draws."""

import numpy as np
import pytest
import tensorflow as tf

from components.encoders.sketch import COORDINATES_PER_TERM, places

TERMS = 4096


def split_mix(seed: int) -> int:
    """One draw, in Python's unbounded numbers."""
    word = 2**64 - 1
    value = seed * 0x9E3779B97F4A7C15 & word
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & word
    value = (value ^ value >> 27) * 0x94D049BB133111EB & word
    return value ^ value >> 31


def drawn(dimensions: int, terms: int = TERMS) -> tuple[np.ndarray, np.ndarray]:
    coordinates, signs = places(tf.range(terms, dtype=tf.int64), dimensions)
    return coordinates.numpy(), signs.numpy()


def test_draws_are_those_of_split_mix() -> None:
    assert split_mix(1) == 0xE220A8397B1DCDAF  # the first draw of the generator that was seeded with 0
    terms = [0, 1, 5, 2**18 - 1, 2**24 - 1]
    coordinates, signs = places(tf.constant(terms, tf.int64), 1000)
    for row, term in enumerate(terms):
        for place in range(COORDINATES_PER_TERM):
            draw = split_mix(term * COORDINATES_PER_TERM + place + 1)
            assert coordinates[row, place].numpy() == (draw >> 1) % 2**62 % 1000
            assert signs[row, place].numpy() == (-1 if draw & 1 else 1)


@pytest.mark.parametrize("dimensions", [8, 64, 100])
def test_every_coordinate_is_hit_evenly_and_with_both_signs(dimensions: int) -> None:
    coordinates, signs = drawn(dimensions)
    assert coordinates.shape == signs.shape == (TERMS, COORDINATES_PER_TERM)
    hits = np.bincount(coordinates.ravel(), minlength=dimensions)
    expected = TERMS * COORDINATES_PER_TERM / dimensions
    assert len(hits) == dimensions
    assert np.abs(hits - expected).max() < 5 * expected**0.5
    assert set(signs.ravel()) == {-1.0, 1.0}
    balance = np.bincount(coordinates.ravel(), weights=signs.ravel(), minlength=dimensions)
    assert np.abs(balance).max() < 5 * expected**0.5


def test_draws_of_one_term_are_independent() -> None:
    coordinates, signs = drawn(64)
    for one in range(COORDINATES_PER_TERM):
        for other in range(one):
            assert abs(np.mean(coordinates[:, one] == coordinates[:, other]) - 1 / 64) < 0.01
            assert abs(np.mean(signs[:, one] * signs[:, other])) < 0.08
    assert len(np.unique(coordinates, axis=0)) > 0.99 * TERMS
