"""Sorts vectors into partitions of like vectors."""

import math
import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from components.search.partitions import Layout, half_squares

HEAD = 128
"""Axes of a head, at most."""

_SAMPLE, _LEAST = 25, 4_096  # vectors a partition, and in all, that the centres are found from
_BLOCK = 256  # vectors at once: few, that their products with all centres stay in the cache
_PASSES = 8  # of k-means within a group
_LAST_PASSES = 2  # of k-means over all


def lay_out(vectors: np.ndarray, partitions: int, seed: int) -> tuple[Layout, np.ndarray]:
    """Principal axes, centres by k-means on a sample, then each vector to the nearest centre.

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
    sample = np.sort(random.choice(count, min(count, max(_SAMPLE * partitions, _LEAST)), replace=False))
    rotation = principal_axes(vectors[sample])
    for start in range(0, count, _BLOCK):
        vectors[start : start + _BLOCK] = vectors[start : start + _BLOCK] @ rotation
    centers = _centers(vectors[sample, :width], partitions, seed)
    chosen = nearest_centers(vectors[:, :width], centers)
    order = np.argsort(chosen, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(chosen, minlength=partitions))]).astype(np.int32)
    return Layout(rotation, centers, starts, vectors[order, :width], vectors[order, width:]), order


def principal_axes(vectors: np.ndarray) -> np.ndarray:
    """Orthogonal axes, float32[D, D] by column, those of the largest second moment first."""
    moments = vectors.T @ vectors
    return np.linalg.eigh(moments)[1][:, ::-1].astype(np.float32)


def _centers(heads: np.ndarray, partitions: int, seed: int) -> np.ndarray:
    """Centres of groups, centres within each group, then a few passes over all.

    Costs a third of _PASSES over all and groups no worse. Lloyd's k-means, not the mini-batch form, which in as
    many passes leaves half of the partitions all but empty.
    """
    groups = _means(heads, round(math.sqrt(partitions)), _PASSES, "random", seed)
    sizes = np.bincount(groups.labels_, minlength=groups.n_clusters)
    shares = np.diff(partitions * np.cumsum([0, *sizes]) // len(heads))
    within = [
        _means(heads[groups.labels_ == group], share, _PASSES, "random", seed).cluster_centers_
        for group, share in enumerate(shares)
        if share
    ]
    centers: np.ndarray = _means(heads, partitions, _LAST_PASSES, np.concatenate(within), seed).cluster_centers_
    return centers.astype(np.float32)


def _means(heads: np.ndarray, count: int, passes: int, init: str | np.ndarray, seed: int) -> KMeans:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of equal vectors some centres fall together
        return KMeans(count, init=init, n_init=1, max_iter=passes, random_state=seed).fit(heads)


def nearest_centers(heads: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """The nearest centre, int64[C], of each head, float32[C, H], among float32[P, H]."""
    nearest = np.zeros(len(heads), np.int64)
    half = half_squares(centers)
    for start in range(0, len(heads), _BLOCK):
        nearest[start : start + _BLOCK] = (half - heads[start : start + _BLOCK] @ centers.T).argmin(axis=1)
    return nearest
