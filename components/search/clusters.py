"""Sorts vectors into partitions of like vectors, none much larger than the others."""

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from components.search.partitions import Layout

HEAD = 64
"""Axes of a head, at most."""

_SAMPLE = 40  # vectors a partition that the centres are found from
_SLACK = 1.3  # the largest partition over the mean
_CHOICES = 16  # partitions that a vector asks for
_BLOCK = 8_192


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
        max_iter=10,
        max_no_improvement=None,
        reassignment_ratio=0.01,
        compute_labels=False,
        random_state=seed,
    )
    return means.fit(heads).cluster_centers_.astype(np.float32)


def assign(heads: np.ndarray, centers: np.ndarray, room: int) -> np.ndarray:
    """The partition of each vector, int64[C]: the nearest that has room.

    Vectors ask in rounds, first for the nearest, then for the next; a partition takes the nearest of those that ask.

    Args:
        heads: float32[C, H].
        centers: float32[P, H].
        room: of a partition; P · room must be at least C.
    """
    choices = min(_CHOICES, len(centers))
    asked, distances = _nearest_centers(heads, centers, choices)
    chosen = np.full(len(heads), -1)
    left = np.full(len(centers), room)
    for choice in range(choices):
        homeless = np.flatnonzero(chosen < 0)
        wish = asked[homeless, choice]
        queue = np.lexsort((distances[homeless, choice], wish))
        homeless, wish = homeless[queue], wish[queue]
        first = np.searchsorted(wish, wish)
        taken = np.arange(len(wish)) - first < left[wish]
        chosen[homeless[taken]] = wish[taken]
        left -= np.bincount(wish[taken], minlength=len(left))
    chosen[chosen < 0] = np.repeat(np.arange(len(left)), left)[: np.count_nonzero(chosen < 0)]
    return chosen


def _nearest_centers(heads: np.ndarray, centers: np.ndarray, choices: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each vector the nearest centres, nearest first, int32[C, choices], and how far, up to what all have alike."""
    asked = np.zeros((len(heads), choices), np.int32)
    distances = np.zeros((len(heads), choices), np.float32)
    half = (centers**2).sum(axis=1) / 2
    for start in range(0, len(heads), _BLOCK):
        far = half - heads[start : start + _BLOCK] @ centers.T
        near = np.argpartition(far, choices - 1, axis=1)[:, :choices]
        near = np.take_along_axis(near, np.argsort(np.take_along_axis(far, near, axis=1), axis=1), axis=1)
        asked[start : start + _BLOCK] = near
        distances[start : start + _BLOCK] = np.take_along_axis(far, near, axis=1)
    return asked, distances
