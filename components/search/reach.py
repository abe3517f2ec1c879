"""How far a query must look to find what it should: told from where the nearest vectors of held-out queries lie."""

import math
from typing import NamedTuple

import numpy as np

from components.search.exact import Exact
from components.search.partitions import Layout, Reach, half_squares
from components.search.settings import IndexSettings

_BLOCK = 10_000  # vectors compared with all queries at once
_ERRORS = 2  # standard errors, by which other queries may find less than those that the reach is told from
_SPREAD = 0.6  # standard deviation of a query's share of misses, over the root of the mean share, as it was seen
_LEAST_MISSES = 0.1  # of those that are allowed, which are left however few queries there are
_CUT_OFF = 0.25  # of the others, so many may go to the short list


class Wanted(NamedTuple):
    """Queries and what they should find."""

    queries: np.ndarray
    """float32[Q, D], turned as the layout is."""
    places: np.ndarray
    """int64[Q, K], of the nearest vectors in the layout."""


def nearest_vectors(vectors: np.ndarray, queries: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Places, int[Q, K], and scores, float32[Q, K], of the K largest products, in no order; K is `most` or all."""
    starts = range(0, len(vectors), _BLOCK)
    found = [Exact(vectors[start : start + _BLOCK]).nearest(queries, most) for start in starts]
    places = np.concatenate([one.places.numpy() + start for start, one in zip(starts, found, strict=True)], axis=1)
    scores = np.concatenate([one.scores.numpy() for one in found], axis=1)
    best = np.argpartition(-scores, min(most, scores.shape[1]) - 1, axis=1)[:, :most]
    return np.take_along_axis(places, best, axis=1), np.take_along_axis(scores, best, axis=1)


def reach_for(layout: Layout, wanted: Wanted, settings: IndexSettings) -> Reach:
    """The shortest reach that finds `min_recall` of what is wanted, some more for chance; what settings give is kept.

    A vector is missed where its partition is too far, or its head too low among all heads; the misses of both add up.
    """
    allowed = 1 - settings.min_recall
    spare = _ERRORS * _SPREAD * math.sqrt(allowed / len(wanted.queries))
    misses = max(allowed - spare, _LEAST_MISSES * allowed)
    head_ranks = rank_heads(layout, wanted)
    shortlist = settings.shortlist or rank_for(head_ranks, 1 - _CUT_OFF * misses)
    cut_off = float(np.mean(head_ranks >= shortlist))
    probes = settings.probes or rank_for(rank_partitions(layout, wanted), 1 - misses + cut_off)
    return Reach(min(probes, len(layout.centers)), min(shortlist, len(layout.head)))


def rank_for(ranks: np.ndarray, share: float) -> int:
    """The smallest number above at least this share of the ranks."""
    place = math.ceil(min(share, 1) * ranks.size - 1e-6)
    return int(np.sort(ranks, axis=None)[max(place, 1) - 1]) + 1


def rank_heads(layout: Layout, wanted: Wanted) -> np.ndarray:
    """How many heads score above that of each wanted vector, int64[Q, K]."""
    heads = wanted.queries[:, : layout.head.shape[1]]
    own = np.einsum("qh,qkh->qk", heads, layout.head[wanted.places])
    ranks = np.zeros(own.shape, np.int64)
    for start in range(0, len(layout.head), _BLOCK):
        scores = heads @ layout.head[start : start + _BLOCK].T
        rows, columns = np.nonzero(scores > own.min(axis=1, keepdims=True))
        np.add.at(ranks, rows, scores[rows, columns, np.newaxis] > own[rows])
    return ranks


def rank_partitions(layout: Layout, wanted: Wanted) -> np.ndarray:
    """How many partitions are nearer than that of each wanted vector, int64[Q, K]."""
    own = np.searchsorted(layout.starts, wanted.places, side="right") - 1
    rows = zip(_remoteness(layout, wanted.queries), own, strict=True)
    return np.array([np.searchsorted(np.sort(remoteness), remoteness[homes]) for remoteness, homes in rows])


def share_seen(layout: Layout, queries: np.ndarray, probes: int) -> float:
    """What share of the vectors is in the nearest partitions of a query, on average."""
    sizes = layout.sizes
    seen = [sizes[np.argpartition(row, probes - 1)[:probes]].sum() for row in _remoteness(layout, queries)]
    return float(np.mean(seen) / len(layout.head))


def _remoteness(layout: Layout, queries: np.ndarray) -> np.ndarray:
    """float32[Q, P], which grows with a centre's distance from a query."""
    products = queries[:, : layout.head.shape[1]] @ layout.centers.T
    remoteness: np.ndarray = half_squares(layout.centers) - products
    return remoteness
