"""Takes an index by size, and makes sure that it finds what comparing with every vector would."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from components.errors import UserError
from components.search.clusters import lay_out, turn
from components.search.exact import Exact
from components.search.index import Index
from components.search.partitions import Partitions, probes_for
from components.search.reach import Wanted, nearest_vectors, reach_for, share_seen
from components.search.settings import IndexSettings

EXACT_MOST = 100_000
"""Vectors up to which `auto` compares with all."""

JUDGED = 10
"""Of the nearest so many must be found."""

MAX_QUERIES = 2_000

_PER_ROOT = 32  # partitions over the root of the number of vectors
_MEAN_SIZE = 16  # vectors of a partition, at least
_WORTH = 0.05  # share of the vectors beyond which one product with all is quicker than gathering them, for many queries
_ASKED = 250  # queries at once: each takes a number for every partition
_SAME = 1e-5  # scores that differ by less are equal: of equal vectors any will do


@dataclass(frozen=True)
class Chosen:
    """An index, and what is to be known of it."""

    index: Index
    order: np.ndarray
    """int64[C]: the places, among the vectors as they were given, of those that the index has."""
    record: Mapping[str, Any]
    """Type and, of partitions, how many, how far a query looks at least, what share of the vectors it sees for JUDGED,
    the recall, on how many queries it was measured, and the seconds it all took."""


def is_exact(settings: IndexSettings, count: int) -> bool:
    """Whether so many vectors are all compared; then no queries are needed to choose an index."""
    return settings.type == "exact" or (settings.type == "auto" and count <= EXACT_MOST) or not count


def partitions_for(count: int) -> int:
    """How many partitions so many vectors get by default."""
    return max(min(round(_PER_ROOT * math.sqrt(count)), count // _MEAN_SIZE), 1)


def choose_index(vectors: np.ndarray, queries: np.ndarray, settings: IndexSettings, seed: int) -> Chosen:
    """Build the index that the settings ask for.

    `auto` is exact, too, where a query would have to look at so many vectors that it is quicker to compare with all.

    Args:
        vectors: float32[C, D], unit length; the caller's no more, they may be overwritten.
        queries: float32[Q, D], unit length, held out; what the recall is measured on, at most MAX_QUERIES of them.
        settings: from the config.
        seed: of samples.

    Raises:
        UserError: partitions are asked for with so short a reach that too little is found.
    """
    if is_exact(settings, len(vectors)):
        return _exact(vectors, {"type": "exact"})
    start = time.monotonic()
    asked = _sample(queries if len(queries) else vectors, seed)
    places, scores = nearest_vectors(vectors, asked, JUDGED)
    partitions = min(settings.partitions or partitions_for(len(vectors)), len(vectors))
    layout, order = lay_out(vectors, partitions, seed)
    wanted = Wanted(asked @ layout.rotation, np.argsort(order)[places])
    reach = reach_for(layout, wanted, settings)
    record = {
        "type": "partitions",
        "partitions": len(layout.centers),
        **reach._asdict(),
        "seen": round(share_seen(layout, wanted.queries, probes_for(reach, layout.sizes, JUDGED)), 4),
    }
    if settings.type == "auto" and record["seen"] > _WORTH:
        turn(vectors, layout.rotation.T)
        del layout, wanted  # as large as the vectors
        return _exact(vectors, {"type": "exact", "because": record})
    index = Partitions(layout, reach)
    recall = recall_of(index, asked, scores.min(axis=1))
    if recall < settings.min_recall:
        raise UserError(
            f"index: with {reach.probes} probes and a shortlist of {reach.shortlist} the search finds {recall:.3f} of"
            f" the {JUDGED} nearest, but min_recall is {settings.min_recall}; leave probes and shortlist out, or raise"
            " them"
        )
    seconds = round(time.monotonic() - start, 1)
    return Chosen(index, order, {**record, "recall": recall, "queries": len(asked), "seconds": seconds})


def _exact(vectors: np.ndarray, record: Mapping[str, Any]) -> Chosen:
    return Chosen(Exact(vectors), np.arange(len(vectors)), record)


def _sample(queries: np.ndarray, seed: int) -> np.ndarray:
    """At most MAX_QUERIES of them, a copy."""
    return queries[np.sort(np.random.default_rng(seed).permutation(len(queries))[:MAX_QUERIES])]


def recall_of(index: Index, queries: np.ndarray, least: np.ndarray) -> float:
    """Share of the JUDGED nearest vectors that the index finds; of equal scores any counts.

    Args:
        index: that searches.
        queries: float32[Q, D].
        least: float32[Q], the smallest score of the JUDGED nearest.
    """
    spec = tf.TensorSpec([None, queries.shape[1]], tf.float32)
    search = tf.function(lambda some: index.nearest(some, JUDGED).scores, [spec], autograph=False)
    blocks = np.split(queries, range(_ASKED, len(queries), _ASKED))
    found = np.concatenate([search(tf.constant(block)) for block in blocks])
    return float(np.mean(found >= least[:, np.newaxis] - _SAME))
