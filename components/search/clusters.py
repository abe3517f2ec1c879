"""Sorts vectors into partitions of like vectors, each vector into two.

A vector near the border of its partition is missed by a query beyond the border. Its second partition is chosen to be
looked into when the first is not: not simply the next nearest, but one to which the way from the vector leads elsewhere
than to the first (SOAR; Sun et al., 2023, "SOAR: Improved Indexing for Approximate Nearest Neighbor Search").
"""

import math
import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from components.search.partitions import Layout, half_squares

HEAD = 128
"""Axes of a head, at most."""

_SAMPLE, _LEAST = 25, 4_096  # vectors a partition, and in all, that the centres are found from
_BLOCK = 256  # vectors compared with all centres at once: few, that the products stay in the cache
_PASSES = 8  # of k-means within a group
_LAST_PASSES = 2  # of k-means over all
_NEIGHBORS = 64  # of the first partition, among which the second is chosen
_ELSEWHERE = 0.5  # weight of the way along that to the first partition; SOAR's lambda


def lay_out(vectors: np.ndarray, partitions: int, seed: int) -> tuple[Layout, np.ndarray]:
    """Principal axes, centres by k-means on a sample, then each vector to the nearest centre and to a second one.

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
    homes = home_centers(vectors[:, :width], centers)
    order = np.lexsort(homes.T[::-1])  # vectors that share both partitions lie side by side
    starts, members = _members(homes[order], partitions)
    return Layout(rotation, centers, starts, members, vectors[order, :width], vectors[order, width:]), order


def _members(homes: np.ndarray, partitions: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts, int32[P + 1], and places, int32[C * E], of each partition's vectors, from int64[C, E]."""
    starts = np.concatenate([[0], np.cumsum(np.bincount(homes.ravel(), minlength=partitions))])
    entries = np.argsort(homes.ravel(), kind="stable")
    return starts.astype(np.int32), (entries // homes.shape[1]).astype(np.int32)


def principal_axes(vectors: np.ndarray) -> np.ndarray:
    """Orthogonal axes, float32[D, D] by column, those of the largest second moment first."""
    moments = vectors.T @ vectors
    return np.linalg.eigh(moments)[1][:, ::-1].astype(np.float32)


def _centers(heads: np.ndarray, partitions: int, seed: int) -> np.ndarray:
    """Centres of groups, centres within each group, then a few passes over all.

    Costs a third of so many passes over all and groups no worse. Lloyd's k-means, not the mini-batch form, which in as
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


def home_centers(heads: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """The two centres of each head, int64[C, 2], the nearest first; int64[C, 1] where there is but one."""
    first = nearest_centers(heads, centers)
    if len(centers) == 1:
        return first[:, np.newaxis]
    second = np.zeros_like(first)
    neighbors = min(_NEIGHBORS, len(centers) - 1)
    squares = np.sum(centers**2, axis=1)
    by_first = np.split(np.argsort(first, kind="stable"), np.cumsum(np.bincount(first, minlength=len(centers)))[:-1])
    for home, places in enumerate(by_first):
        distances = squares - 2 * centers @ centers[home]
        distances[home] = np.inf
        others = np.argpartition(distances, neighbors - 1)[:neighbors]
        second[places] = others[_second(heads[places] - centers[home], centers[others] - centers[home])]
    return np.stack([first, second], axis=1)


def _second(residuals: np.ndarray, ways: np.ndarray) -> np.ndarray:
    """The best second centre of each head, from residuals to its first, float32[N, H], and ways to others from there.

    Least is the squared distance and, weighted, that of its part along the residual.
    """
    products = residuals @ ways.T
    lengths = np.linalg.norm(residuals, axis=1, keepdims=True)
    along = lengths - np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    costs = np.sum(ways**2, axis=1) - 2 * products + _ELSEWHERE * along**2
    return np.argmin(costs, axis=1)
