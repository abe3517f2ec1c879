"""Sorts vectors into partitions of like vectors, none much larger than the others."""

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from components.search.partitions import Layout

HEAD = 64
"""Axes of a head, at most."""

_SAMPLE = 25  # vectors a partition that the centres are found from
_SLACK = 1.3  # the largest partition over the mean
_ROUNDS = 16  # in which vectors ask for a partition
_BLOCK = 4_096


def lay_out(vectors: np.ndarray, partitions: int, seed: int) -> tuple[Layout, np.ndarray]:
    """Principal axes, centres by k-means on a sample, then each vector to the nearest centre that has room.

    Args:
        vectors: float32[C, D], unit length; turned onto the principal axes in place, to hold them once.
        partitions: how many, at most C.
        seed: of the sample and of k-means.

    Returns:
        The layout, and the order in which it has the vectors, int64[C].
    """
    random = np.random.default_rng(seed)
    count, dimensions = vectors.shape
    width = min(HEAD, dimensions)
    sample = np.sort(random.choice(count, min(count, max(_SAMPLE * partitions, _BLOCK)), replace=False))
    rotation = principal_axes(vectors[sample])
    for start in range(0, count, _BLOCK):
        vectors[start : start + _BLOCK] = vectors[start : start + _BLOCK] @ rotation
    centers = _centers(vectors[sample, :width], partitions, seed)
    chosen = assign(vectors[:, :width], centers, int(np.ceil(_SLACK * count / partitions)))
    order = np.argsort(chosen, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(chosen, minlength=partitions))]).astype(np.int32)
    return Layout(rotation, centers, starts, vectors[order, :width], vectors[order, width:]), order


def principal_axes(vectors: np.ndarray) -> np.ndarray:
    """Orthogonal axes, float32[D, D] by column, those of the largest second moment first."""
    moments = vectors.T @ vectors
    return np.linalg.eigh(moments)[1][:, ::-1].astype(np.float32)


def _centers(heads: np.ndarray, partitions: int, seed: int) -> np.ndarray:
    means = MiniBatchKMeans(
        partitions,
        init="random",
        n_init=1,
        batch_size=_BLOCK,
        max_iter=4,
        max_no_improvement=None,
        reassignment_ratio=0.01,
        compute_labels=False,
        random_state=seed,
    )
    return means.fit(heads).cluster_centers_.astype(np.float32)


def assign(heads: np.ndarray, centers: np.ndarray, room: int) -> np.ndarray:
    """The partition of each vector, int64[C]: the nearest that has room.

    In each round the vectors that have no partition yet ask the nearest one with room, which takes the nearest of them;
    who is still without after the last round goes wherever there is room.

    Args:
        heads: float32[C, H].
        centers: float32[P, H].
        room: of a partition; P · room must be at least C.
    """
    chosen = np.full(len(heads), -1)
    left = np.full(len(centers), room)
    homeless = np.arange(len(heads))
    for _ in range(_ROUNDS):
        vacant = np.flatnonzero(left)
        nearest, distances = _nearest_centers(heads, homeless, centers[vacant])
        queue = np.lexsort((distances, nearest))
        homeless, wish = homeless[queue], vacant[nearest[queue]]
        taken = np.arange(len(wish)) - np.searchsorted(wish, wish) < left[wish]
        chosen[homeless[taken]] = wish[taken]
        left -= np.bincount(wish[taken], minlength=len(left))
        homeless = homeless[~taken]
        if not len(homeless):
            return chosen
    chosen[homeless] = np.repeat(np.arange(len(left)), left)[: len(homeless)]
    return chosen


def _nearest_centers(heads: np.ndarray, rows: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each of these rows the nearest centre, and half its squared distance."""
    nearest, distances = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.float32)
    half = (centers**2).sum(axis=1) / 2
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        here = heads[rows[block]]
        far = half - here @ centers.T
        nearest[block] = far.argmin(axis=1)
        distances[block] = far.min(axis=1) + (here**2).sum(axis=1) / 2
    return nearest, distances
