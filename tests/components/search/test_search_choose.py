"""Which index is taken, and that it finds what it must."""

import numpy as np
import pytest
import tensorflow as tf

from components.errors import UserError
from components.search import choose as module
from components.search.choose import choose_index, recall_of, tenth_best
from components.search.exact import Exact
from components.search.partitions import Partitions
from components.search.settings import IndexSettings
from tests.components.search.clustered import clustered

VECTORS = clustered(3_000, 140, 1)
QUERIES = clustered(3_050, 140, 1)[:40]


def test_size_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = choose_index(VECTORS.copy(), QUERIES, IndexSettings(), seed=1)
    assert isinstance(chosen.index, Exact)
    assert chosen.record == {"type": "exact"}
    np.testing.assert_array_equal(chosen.order, np.arange(3_000))
    monkeypatch.setattr(module, "EXACT_MOST", 2_999)
    assert isinstance(choose_index(VECTORS.copy(), QUERIES, IndexSettings(), seed=1).index, Partitions)


@pytest.mark.parametrize("least", [0.9, 0.99, 1.0])
def test_a_query_looks_as_far_as_the_recall_takes(least: float) -> None:
    queries = clustered(40, 140, 9)
    chosen = choose_index(VECTORS.copy(), queries, IndexSettings(type="partitions", min_recall=least), seed=1)
    found = chosen.index.nearest(tf.constant(queries), 10).scores.numpy()
    exact = -np.sort(-(queries @ VECTORS.T), axis=1)[:, :10]
    recall = np.mean(found >= exact[:, 9:] - 1e-5)
    assert least <= recall == pytest.approx(chosen.record["recall"])
    assert chosen.record["queries"] == 40
    assert chosen.record["partitions"] == round(4 * 3_000**0.5)


def test_a_reach_that_is_given_is_kept_or_refused() -> None:
    settings = IndexSettings(type="partitions", partitions=50, probes=2, shortlist=12, min_recall=0)
    record = choose_index(VECTORS.copy(), QUERIES, settings, seed=1).record
    assert (record["partitions"], record["probes"], record["shortlist"]) == (50, 2, 12)
    with pytest.raises(UserError, match=r"with 2 probes and a shortlist of 12 the search finds 0\.\d+ of the 10 near"):
        choose_index(VECTORS.copy(), clustered(40, 140, 9), settings.model_copy(update={"min_recall": 1}), seed=1)


def test_without_held_out_rows_the_vectors_ask_themselves() -> None:
    record = choose_index(VECTORS.copy(), QUERIES[:0], IndexSettings(type="partitions"), seed=1).record
    assert record["queries"] == 500
    assert record["recall"] >= 0.95


@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_few_vectors(count: int) -> None:
    chosen = choose_index(VECTORS[:count].copy(), QUERIES, IndexSettings(type="partitions"), seed=1)
    found = chosen.index.nearest(tf.constant(QUERIES), 10)
    assert found.places.shape == (40, count)
    np.testing.assert_allclose(found.scores, -np.sort(-(QUERIES @ VECTORS[:count].T), axis=1), atol=1e-5)


def test_equal_vectors_count_as_each_other() -> None:
    vectors = np.repeat(clustered(5, 10, 2), 40, axis=0)
    index = Exact(tf.constant(vectors[::-1].copy()))
    assert recall_of(index, vectors[::40], tenth_best(vectors, vectors[::40])) == 1


def test_the_tenth_best_of_many_is_found_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXACT_MOST", 700)
    expected = -np.sort(-(QUERIES @ VECTORS.T), axis=1)[:, 9]
    np.testing.assert_allclose(tenth_best(VECTORS, QUERIES), expected, atol=1e-6)
    np.testing.assert_allclose(tenth_best(VECTORS[:3], QUERIES), (QUERIES @ VECTORS[:3].T).min(axis=1), atol=1e-6)
