"""Nearest training rows against NumPy, and the vote among them."""

import numpy as np
import pytest
import tensorflow as tf

from components.losses.scores import unit_vectors
from components.search.exact import Exact
from components.tasks.references import References, majority

RANDOM = np.random.default_rng(3)
IDS = [b"c", b"a", b"e", b"b", b"d", b"f"]
LABELS = [b"cat", b"dog", b"cat", b"bird", b"dog", b"cat"]
VECTORS = RANDOM.normal(size=(6, 4)) * RANDOM.uniform(0.1, 9, size=(6, 1))
ASKED = RANDOM.normal(size=(3, 4)) * 5


def made(ids: list[bytes], labels: list[bytes], vectors: np.ndarray) -> References:
    return References(ids, labels, Exact(unit_vectors(tf.constant(vectors, tf.float32))))


@pytest.fixture(scope="module")
def references() -> References:
    return made(IDS, LABELS, VECTORS)


@pytest.mark.parametrize("k", [1, 4, 6, 7, 100])
def test_nearest_is_a_sort_by_cosine_whatever_the_lengths(references: References, k: int) -> None:
    lengths = np.linalg.norm(ASKED, axis=1)[:, None] * np.linalg.norm(VECTORS, axis=1)
    cosines = ASKED @ VECTORS.T / lengths
    places = np.argsort(-cosines, axis=1)[:, :k]
    found = references.nearest(tf.constant(ASKED, tf.float32), k)
    assert found.ids.numpy().tolist() == [[IDS[place] for place in row] for row in places]
    assert found.labels.numpy().tolist() == [[LABELS[place] for place in row] for row in places]
    np.testing.assert_allclose(found.scores, np.take_along_axis(cosines, places, axis=1), atol=1e-5)
    assert found.scores.shape == (3, min(k, 6))


def test_of_equally_near_rows_the_first_comes_first() -> None:
    same = made([b"2", b"1", b"3"], [b"x", b"y", b"z"], np.array([[1.0, 0], [2, 0], [3, 0]]))
    assert same.nearest(tf.constant([[5.0, 0]]), 3).ids.numpy().tolist() == [[b"2", b"1", b"3"]]


def test_nobody_asks(references: References) -> None:
    assert [values.shape for values in references.nearest(tf.zeros([0, 4]), 2)] == [(0, 2)] * 3


def test_a_vector_of_no_numbers_breaks_its_own_row_alone(references: References) -> None:
    asked = ASKED.copy()
    asked[1] = np.nan
    found, expected = (references.nearest(tf.constant(rows, tf.float32), 2) for rows in (asked, ASKED))
    assert found.ids.numpy()[[0, 2]].tolist() == expected.ids.numpy()[[0, 2]].tolist()
    assert np.isnan(found.scores[1]).all()


def test_nothing_of_it_is_trained(references: References) -> None:
    assert [variable.trainable for variable in references.variables] == [False] * 3


@pytest.mark.parametrize(
    ("labels", "winner"),
    [
        (["b"], "b"),
        (["b", "a"], "b"),
        (["c", "a", "a"], "a"),
        (["c", "a", "b", "a", "b"], "a"),
        (["c", "b", "a", "a", "b"], "b"),
        (["a", "b", "b", "a", "c"], "a"),
        (["", "x", ""], ""),
    ],
)
def test_the_majority_wins_and_of_equals_the_nearest(labels: list[str], winner: str) -> None:
    other = ["z"] * len(labels)
    assert majority(tf.constant([labels, other, labels])).numpy().tolist() == [
        winner.encode(),
        b"z",
        winner.encode(),
    ]


def test_no_votes_for_nobody() -> None:
    assert majority(tf.zeros([0, 5], tf.string)).shape == (0,)
