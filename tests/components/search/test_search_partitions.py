"""Partitions against a sort in NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.search import clusters
from components.search.clusters import lay_out, nearest_centers, principal_axes
from components.search.exact import Exact
from components.search.index import Found
from components.search.partitions import Partitions, Reach
from tests.components.search.clustered import clustered

ALL = Reach(10**6, 10**6)


def made(vectors: np.ndarray, partitions: int, reach: Reach, seed: int = 1) -> tuple[Partitions, np.ndarray]:
    layout, order = lay_out(vectors.copy(), partitions, seed)
    return Partitions(layout, Reach(min(reach.probes, partitions), min(reach.shortlist, len(vectors)))), order


def check_like_exact(found: Found, scores: np.ndarray, order: np.ndarray, k: int) -> None:
    """Scores descend as those of a sort do, and belong to the places, no place twice."""
    k = min(k, scores.shape[1])
    np.testing.assert_allclose(found.scores, -np.sort(-scores, axis=1)[:, :k], atol=1e-5)
    places = order[found.places.numpy()]
    np.testing.assert_allclose(found.scores, np.take_along_axis(scores, places, axis=1), atol=1e-5)
    assert all(len(set(row)) == k for row in places.tolist())


@settings(deadline=None, max_examples=15)
@given(
    count=st.integers(1, 60),
    dimensions=st.sampled_from([1, 3, 128, 140]),
    partitions=st.integers(1, 60),
    k=st.integers(1, 70),
    seed=st.integers(0, 99),
)
def test_a_look_into_all_partitions_is_exact(count: int, dimensions: int, partitions: int, k: int, seed: int) -> None:
    vectors, queries = clustered(count, dimensions, seed), clustered(3, dimensions, seed + 1)
    index, order = made(vectors, min(partitions, count), ALL)
    check_like_exact(index.nearest(tf.constant(queries), k), queries @ vectors.T, order, k)


@settings(deadline=None, max_examples=10)
@given(probes=st.integers(1, 9), shortlist=st.integers(1, 40), k=st.integers(1, 80), seed=st.integers(0, 99))
def test_scores_are_exact_and_k_are_found_however_short_the_look(
    probes: int, shortlist: int, k: int, seed: int
) -> None:
    vectors, queries = clustered(70, 132, seed), clustered(4, 132, seed + 1)
    index, order = made(vectors, 9, Reach(probes, shortlist))
    found = index.nearest(tf.constant(queries), k)
    scores = queries @ vectors.T
    places = order[found.places.numpy()]
    assert places.shape == (4, min(k, 70))
    assert all(len(set(row)) == len(row) for row in places.tolist())
    np.testing.assert_allclose(found.scores, np.take_along_axis(scores, places, axis=1), atol=1e-5)
    assert np.all(np.diff(found.scores, axis=1) <= 0)


def test_a_query_looks_only_into_the_nearest_partitions() -> None:
    vectors, queries = clustered(400, 8, 4), clustered(50, 8, 5)
    index, order = made(vectors, 40, Reach(1, 400))
    found = index.nearest(tf.constant(queries), 1)
    best = (queries @ vectors.T).argmax(axis=1)
    hit = order[found.places.numpy()[:, 0]] == best
    assert 10 < np.count_nonzero(hit) < 50


def test_products_are_exact_and_in_the_order_of_the_index() -> None:
    vectors, queries = clustered(90, 150, 1), clustered(5, 150, 2)
    index, order = made(vectors, 7, Reach(1, 1))
    np.testing.assert_allclose(index.products(tf.constant(queries)), (queries @ vectors.T)[:, order], atol=1e-5)


@pytest.mark.parametrize("reach", [Reach(2, 5), ALL])
def test_what_a_bonus_favours_is_found_wherever_it_lies(reach: Reach) -> None:
    vectors, queries = clustered(200, 140, 5), clustered(6, 140, 6)
    bonus = np.random.default_rng(7).uniform(0, 0.1, size=(6, 200)).astype(np.float32)
    bonus[np.arange(6), [3, 50, 7, 199, 100, 3]] = 5
    index, order = made(vectors, 15, reach)
    found = index.nearest(tf.constant(queries), 4, tf.constant(bonus[:, order]))
    scores = queries @ vectors.T + bonus
    places = order[found.places.numpy()]
    assert places[:, 0].tolist() == [3, 50, 7, 199, 100, 3]
    assert all(len(set(row)) == 4 for row in places.tolist())
    np.testing.assert_allclose(found.scores, np.take_along_axis(scores, places, axis=1), atol=1e-5)
    if reach == ALL:
        check_like_exact(found, scores, order, 4)


def test_a_bonus_counts_before_the_list_is_made_short() -> None:
    """Of vectors that are all head, a short list no longer than what is wanted holds the best of both together."""
    vectors, queries = clustered(200, 20, 5), clustered(6, 20, 6)
    bonus = np.random.default_rng(7).uniform(0, 0.5, size=(6, 200)).astype(np.float32)
    index, order = made(vectors, 15, Reach(15, 1))
    found = index.nearest(tf.constant(queries), 10, tf.constant(bonus[:, order]))
    check_like_exact(found, queries @ vectors.T + bonus, order, 10)


def test_a_bonus_is_added_to_exact_scores_too() -> None:
    vectors, queries = clustered(30, 5, 5), clustered(3, 5, 6)
    bonus = np.random.default_rng(7).uniform(size=(3, 30)).astype(np.float32)
    found = Exact(tf.constant(vectors)).nearest(tf.constant(queries), 6, tf.constant(bonus))
    check_like_exact(found, queries @ vectors.T + bonus, np.arange(30), 6)


def test_equal_vectors_are_found_each_once() -> None:
    vectors = np.repeat(clustered(3, 130, 1), 30, axis=0)
    index, order = made(vectors, 6, ALL)
    found = index.nearest(tf.constant(vectors[:1]), 40)
    check_like_exact(found, vectors[:1] @ vectors.T, order, 40)


def test_nobody_asks() -> None:
    index, _ = made(clustered(30, 5, 1), 3, Reach(1, 5))
    assert index.nearest(tf.zeros([0, 5]), 4).places.shape == (0, 4)
    assert Exact(tf.zeros([0, 5])).nearest(tf.zeros([2, 5]), 4).places.shape == (2, 0)


def test_the_order_is_the_same_for_a_seed_and_holds_each_once() -> None:
    vectors = clustered(500, 20, 3)
    orders = [made(vectors, 12, ALL, seed)[1].tolist() for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == list(range(500))


def test_principal_axes_are_orthogonal_and_the_first_tells_most() -> None:
    vectors = clustered(300, 6, 3) * np.array([1, 5, 1, 0.1, 2, 1], np.float32)
    axes = principal_axes(vectors)
    np.testing.assert_allclose(axes.T @ axes, np.eye(6), atol=1e-5)
    energy = ((vectors @ axes) ** 2).sum(axis=0)
    assert np.all(np.diff(energy) < 0)
    np.testing.assert_allclose(energy.sum(), (vectors**2).sum(), rtol=1e-4)


def test_axes_of_a_sample_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_MOMENTS", 30)
    vectors, queries = clustered(600, 50, 3), clustered(4, 50, 4)
    index, order = made(vectors, 20, ALL)
    check_like_exact(index.nearest(tf.constant(queries), 10), queries @ vectors.T, order, 10)


def test_each_vector_goes_to_the_nearest_center() -> None:
    heads, centers = clustered(600, 4, 1), clustered(9, 4, 2)
    centers *= np.linspace(0.6, 1, 9, dtype=np.float32)[:, np.newaxis]
    nearest = ((heads[:, np.newaxis] - centers) ** 2).sum(axis=2).argmin(axis=1)
    assert nearest_centers(heads, centers).tolist() == nearest.tolist()
    assert len(set(nearest.tolist())) > 1


@pytest.mark.parametrize("share", [0.9, 0.5, 0.1])
def test_a_query_of_less_weight_looks_into_the_same_partitions(share: float) -> None:
    """A search with TF-IDF gives the cosine only a share of the score."""
    scattered = np.random.default_rng(3)
    vectors = clustered(600, 24, 5) * scattered.uniform(0.5, 1, (600, 1)).astype(np.float32)  # centres of all lengths
    index, _ = made(vectors, 40, Reach(6, 60))
    queries = clustered(50, 24, 6)
    whole, part = index.nearest(tf.constant(queries), 10), index.nearest(tf.constant(share * queries), 10)
    np.testing.assert_array_equal(np.sort(part.places), np.sort(whole.places))
    np.testing.assert_allclose(part.scores, share * whole.scores, rtol=1e-4)
