"""Takes an index by size, and makes sure that it finds what comparing with every vector would."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from components.errors import UserError
from components.search.clusters import lay_out
from components.search.exact import Exact
from components.search.index import Index
from components.search.partitions import Layout, Partitions, Reach
from components.search.settings import IndexSettings

EXACT_MOST = 100_000
"""Vectors up to which `auto` compares with all."""

JUDGED = 10
"""Of the nearest so many must be found."""

MAX_QUERIES = 500

_PER_ROOT = 4  # partitions over the root of the number of vectors
_FIRST = Reach(8, 64)
_FARTHER = 1.5
_SAME = 1e-5  # scores that differ by less are equal: of equal vectors any will do


@dataclass(frozen=True)
class Chosen:
    """An index, and what is to be known of it."""

    index: Index
    order: np.ndarray
    """int64[C]: the places, among the vectors as they were given, of those that the index has."""
    record: Mapping[str, Any]
    """Type and, of partitions, how many, how far a query looks, the recall, and on how many queries."""


def choose_index(vectors: np.ndarray, queries: np.ndarray, settings: IndexSettings, seed: int) -> Chosen:
    """Build the index that the settings ask for.

    Args:
        vectors: float32[C, D], unit length; the caller's no more, they may be overwritten.
        queries: float32[Q, D], unit length, held out; what the recall is measured on, at most MAX_QUERIES of them.
        settings: from the config.
        seed: of samples.

    Raises:
        UserError: partitions are asked for with so short a reach that too little is found.
    """
    exact = settings.type == "exact" or (settings.type == "auto" and len(vectors) <= EXACT_MOST)
    if exact or not len(vectors):
        index = Exact(tf.Variable(vectors, trainable=False, name="vectors"))
        return Chosen(index, np.arange(len(vectors)), {"type": "exact"})
    start = time.monotonic()
    chosen = np.random.default_rng(seed).permutation(len(queries))[:MAX_QUERIES]
    asked = queries[np.sort(chosen)] if len(queries) else vectors[: min(len(vectors), MAX_QUERIES)].copy()
    least = tenth_best(vectors, asked)
    partitions = min(settings.partitions or round(_PER_ROOT * math.sqrt(len(vectors))), len(vectors))
    layout, order = lay_out(vectors, partitions, seed)
    index, recall = _reaching(layout, asked, least, settings)
    record = {
        "type": "partitions",
        "partitions": partitions,
        **index.reach._asdict(),
        "recall": recall,
        "queries": len(asked),
        "seconds": round(time.monotonic() - start, 1),
    }
    return Chosen(index, order, record)


def tenth_best(vectors: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """The smallest of the JUDGED (or as many as there are) largest products with vectors, float32[Q]."""
    best = np.full((len(queries), 0), 0, np.float32)
    for start in range(0, len(vectors), EXACT_MOST):
        scores = np.concatenate([best, queries @ vectors[start : start + EXACT_MOST].T], axis=1)
        most = min(JUDGED, scores.shape[1])
        best = np.partition(scores, scores.shape[1] - most, axis=1)[:, -most:]
    return best.min(axis=1)


def _reaching(
    layout: Layout, queries: np.ndarray, least: np.ndarray, settings: IndexSettings
) -> tuple[Partitions, float]:
    """The index that looks far enough, and its recall."""
    partitions, count = len(layout.centers), len(layout.head)
    first = Reach(settings.probes or _FIRST.probes, settings.shortlist or _FIRST.shortlist)
    index = Partitions(layout, Reach(min(first.probes, partitions), min(first.shortlist, count)))
    while (recall := recall_of(index, queries, least)) < settings.min_recall:
        reach = Reach(
            settings.probes or min(math.ceil(index.reach.probes * _FARTHER), partitions),
            settings.shortlist or min(math.ceil(index.reach.shortlist * _FARTHER), count),
        )
        if reach == index.reach:
            raise UserError(
                f"index: with {reach.probes} probes and a shortlist of {reach.shortlist} the search finds"
                f" {recall:.3f} of the {JUDGED} nearest, but min_recall is {settings.min_recall};"
                " leave probes and shortlist out, or raise them"
            )
        index.reach = reach
    return index, recall


def recall_of(index: Index, queries: np.ndarray, least: np.ndarray) -> float:
    """Share of the JUDGED nearest vectors that the index finds; of equal scores any counts."""
    found = tf.function(index.nearest)(tf.constant(queries), JUDGED).scores.numpy()
    return float(np.mean(found >= least[:, np.newaxis] - _SAME))
