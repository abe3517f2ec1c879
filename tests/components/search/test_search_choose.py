"""Which index is taken, and that it finds what it must."""

import numpy as np
import pytest
import tensorflow as tf

from components.errors import UserError
from components.search import choose as module
from components.search import reach
from components.search.choose import choose_index, partitions_for, recall_of
from components.search.clusters import lay_out
from components.search.exact import Exact
from components.search.partitions import Partitions
from components.search.reach import Wanted, nearest_vectors, rank_for, rank_heads, rank_partitions, reach_for
from components.search.settings import IndexSettings
from tests.components.search.clustered import clustered

VECTORS = clustered(3_000, 140, 1)
QUERIES = clustered(3_050, 140, 1)[:40]


def test_size_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = choose_index(VECTORS.copy(), QUERIES, IndexSettings(), seed=1)
    assert isinstance(chosen.index, Exact)
    assert chosen.record == {"type": "exact"}
    np.testing.assert_array_equal(chosen.order, np.arange(3_000))
    monkeypatch.setattr(module, "EXACT_MOST", 11_999)
    vectors, queries = clustered(12_000, 140, 1), clustered(12_400, 140, 1)[-400:]
    assert isinstance(choose_index(vectors, queries, IndexSettings(), seed=1).index, Partitions)


@pytest.mark.parametrize("least", [0.9, 0.99, 1.0])
def test_a_query_looks_as_far_as_the_recall_takes(least: float) -> None:
    queries = clustered(40, 140, 9)
    chosen = choose_index(VECTORS.copy(), queries, IndexSettings(type="partitions", min_recall=least), seed=1)
    found = chosen.index.nearest(tf.constant(queries), 10).scores.numpy()
    exact = -np.sort(-(queries @ VECTORS.T), axis=1)[:, :10]
    recall = np.mean(found >= exact[:, 9:] - 1e-5)
    assert least <= recall == pytest.approx(chosen.record["recall"])
    assert chosen.record["queries"] == 40
    assert isinstance(chosen.index, Partitions)
    assert chosen.record["partitions"] == chosen.index.starts.shape[0] - 1
    assert 180 < chosen.record["partitions"] <= 3_000 // 16  # those that stay empty are left out


@pytest.mark.parametrize(("count", "partitions"), [(1, 1), (31, 1), (100_000, 6_250), (1_000_000, 32_000)])
def test_partitions_grow_with_the_root_and_hold_16(count: int, partitions: int) -> None:
    assert partitions_for(count) == partitions


def test_a_reach_that_is_given_is_kept_or_refused() -> None:
    settings = IndexSettings(type="partitions", partitions=50, probes=2, shortlist=12, min_recall=0)
    record = choose_index(VECTORS.copy(), QUERIES, settings, seed=1).record
    assert (record["partitions"], record["probes"], record["shortlist"]) == (50, 2, 12)
    with pytest.raises(UserError, match=r"with 2 probes and a shortlist of 12 the search finds 0\.\d+ of the 10 near"):
        choose_index(VECTORS.copy(), clustered(40, 140, 9), settings.model_copy(update={"min_recall": 1}), seed=1)


def test_without_held_out_rows_the_vectors_ask_themselves() -> None:
    record = choose_index(VECTORS.copy(), QUERIES[:0], IndexSettings(type="partitions"), seed=1).record
    assert record["queries"] == 2_000
    assert record["recall"] >= 0.95


@pytest.mark.parametrize("partitions", [None, 50])
@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_few_vectors(count: int, partitions: int | None) -> None:
    settings = IndexSettings(type="partitions", partitions=partitions)
    chosen = choose_index(VECTORS[:count].copy(), QUERIES, settings, seed=1)
    found = chosen.index.nearest(tf.constant(QUERIES), 10)
    assert found.places.shape == (40, count)
    np.testing.assert_allclose(found.scores, -np.sort(-(QUERIES @ VECTORS[:count].T), axis=1), atol=1e-5)


def test_what_is_seen_counts_every_partition_that_a_query_looks_into() -> None:
    """Also among repeated vectors, where many centres would be nearest to none."""
    vectors = np.repeat(clustered(150, 40, 3), np.arange(150) % 40 + 1, axis=0)
    settings = IndexSettings(type="partitions", partitions=300, probes=1, min_recall=0)
    chosen = choose_index(vectors.copy(), vectors[::7], settings, seed=1)
    assert isinstance(chosen.index, Partitions)
    sizes = np.diff(chosen.index.starts)
    assert chosen.record["partitions"] == len(sizes) <= 150
    assert sizes.min() > 0
    heads = tf.constant(vectors[::7]) @ chosen.index.rotation
    looked = chosen.index._probed(heads, tf.ones(len(heads)), 10).numpy()
    assert looked.shape[1] > 1
    assert chosen.record["seen"] == pytest.approx(sizes[looked].sum(axis=1).mean() / len(vectors), abs=1e-4)


def test_equal_vectors_count_as_each_other() -> None:
    vectors = np.repeat(clustered(5, 10, 2), 40, axis=0)
    index = Exact(tf.constant(vectors[::-1].copy()))
    assert recall_of(index, vectors[::40], nearest_vectors(vectors, vectors[::40], 10)[1].min(axis=1)) == 1


def test_the_nearest_of_many_are_found_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "_BLOCK", 700)
    products = QUERIES @ VECTORS.T
    places, scores = nearest_vectors(VECTORS, QUERIES, 10)
    np.testing.assert_allclose(-np.sort(-scores, axis=1), -np.sort(-products, axis=1)[:, :10], atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(products, places, axis=1), scores, atol=1e-6)
    assert nearest_vectors(VECTORS[:3], QUERIES, 10)[0].shape == (40, 3)


def test_where_too_much_would_be_seen_auto_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXACT_MOST", 100)
    vectors = np.random.default_rng(1).normal(size=(600, 50)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    chosen = choose_index(vectors.copy(), vectors[::-3].copy(), IndexSettings(min_recall=1), seed=1)
    assert isinstance(chosen.index, Exact)
    assert chosen.record["because"]["seen"] > 0.1
    np.testing.assert_array_equal(chosen.order, np.arange(600))
    np.testing.assert_allclose(tf.transpose(chosen.index.columns), vectors, atol=1e-5)


@pytest.mark.parametrize(("share", "least"), [(0, 1), (0.2, 1), (0.21, 4), (0.6, 4), (0.61, 8), (1, 10)])
def test_the_smallest_number_above_a_share_of_ranks(share: float, least: int) -> None:
    assert rank_for(np.array([3, 0, 9, 7, 3]), share) == least


def test_ranks_of_heads_and_partitions_are_counts() -> None:
    layout, order = lay_out(VECTORS.copy(), 30, 1)
    turned = QUERIES @ layout.rotation
    places = np.argsort(order)[nearest_vectors(VECTORS, QUERIES, 10)[0]]
    heads, wanted = turned[:, :128], Wanted(turned, places)
    scores = heads @ layout.head.T
    own = np.take_along_axis(scores, places, axis=1)
    counts = (scores[:, np.newaxis, :] > own[:, :, np.newaxis] + 1e-6).sum(axis=2)
    assert np.abs(rank_heads(layout, wanted) - counts).max() <= 1  # of equal scores one may round up
    far = ((heads[:, np.newaxis] - layout.centers) ** 2).sum(axis=2)
    home = np.repeat(np.arange(30), np.diff(layout.starts))[places]
    nearer = (far[:, np.newaxis, :] < np.take_along_axis(far, home, axis=1)[:, :, np.newaxis]).sum(axis=2)
    np.testing.assert_array_equal(rank_partitions(layout, wanted), nearer)


def test_the_fewer_queries_tell_it_the_longer_is_the_reach() -> None:
    layout, order = lay_out(VECTORS.copy(), 200, 1)
    queries = clustered(100, 140, 9)
    places = np.argsort(order)[nearest_vectors(VECTORS, queries, 10)[0]]
    few, many = (Wanted(np.tile(queries @ layout.rotation, (n, 1)), np.tile(places, (n, 1))) for n in (1, 50))
    settings = IndexSettings(min_recall=0.9)
    shorter = reach_for(layout, many, settings)
    assert all(far > near for far, near in zip(reach_for(layout, few, settings), shorter, strict=True))
    found = np.mean(rank_partitions(layout, many) < shorter.probes)
    assert 0.9 < found < 0.95
