"""How far a query must look to find what it should: told from where the nearest vectors of held-out queries lie."""

import math
from typing import NamedTuple

import numpy as np

from components.search.partitions import Layout, Reach, half_squares
from components.search.settings import IndexSettings

_BLOCK = 50_000  # vectors compared with all queries at once
_SPARE = 0.3  # of the misses that are allowed, so many are kept for other queries: three standard errors of 500
_CUT_OFF = 0.25  # of the others, so many may go to the short list


class Wanted(NamedTuple):
    """Queries and what they should find."""

    queries: np.ndarray
    """float32[Q, D], turned as the layout is."""
    places: np.ndarray
    """int64[Q, K], of the nearest vectors in the layout."""


def nearest_vectors(vectors: np.ndarray, queries: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Places, int64[Q, K], and scores, float32[Q, K], of the K largest products, in no order; K is `most` or all."""
    scores: np.ndarray = np.zeros((len(queries), 0), np.float32)
    places: np.ndarray = np.zeros((len(queries), 0), np.int64)
    for start in range(0, len(vectors), _BLOCK):
        new = queries @ vectors[start : start + _BLOCK].T
        scores = np.concatenate([scores, new], axis=1)
        places = np.concatenate([places, np.broadcast_to(start + np.arange(new.shape[1]), new.shape)], axis=1)
        best = np.argpartition(-scores, min(most, scores.shape[1]) - 1, axis=1)[:, :most]
        scores, places = (np.take_along_axis(values, best, axis=1) for values in (scores, places))
    return places, scores


def reach_for(layout: Layout, wanted: Wanted, settings: IndexSettings) -> Reach:
    """The shortest reach that finds `min_recall` of what is wanted, and a little more; what the settings give is kept.

    A vector is missed where its partition is too far, or its head too low among all heads; the misses of both add up.
    """
    misses = (1 - _SPARE) * (1 - settings.min_recall)
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
        scores = np.sort(heads @ layout.head[start : start + _BLOCK].T, axis=1)
        for query, row in enumerate(scores):
            ranks[query] += len(row) - np.searchsorted(row, own[query], side="right")
    return ranks


def rank_partitions(layout: Layout, wanted: Wanted) -> np.ndarray:
    """How many partitions are nearer than that of each wanted vector, int64[Q, K]."""
    own = np.searchsorted(layout.starts, wanted.places, side="right") - 1
    ranks = np.argsort(_by_nearness(layout, wanted.queries), axis=1)
    return np.take_along_axis(ranks, own, axis=1)


def share_seen(layout: Layout, queries: np.ndarray, probes: int) -> float:
    """What share of the vectors is in the nearest partitions of a query, on average."""
    sizes = np.diff(layout.starts)[_by_nearness(layout, queries)[:, :probes]]
    return float(sizes.sum(axis=1).mean() / len(layout.head))


def _by_nearness(layout: Layout, queries: np.ndarray) -> np.ndarray:
    products = queries[:, : layout.head.shape[1]] @ layout.centers.T
    return np.argsort(half_squares(layout.centers) - products, axis=1, kind="stable")
