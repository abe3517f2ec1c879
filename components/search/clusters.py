"""Sorts vectors into partitions of like vectors."""

import math
import warnings

import numpy as np
import tensorflow as tf
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from components.search.partitions import Layout, half_squares

HEAD = 128
"""Axes of a head, at most."""

_MOMENTS = 100_000  # vectors, at most, that the principal axes are found from
_SAMPLE, _LEAST = 25, 4_096  # vectors a partition, and in all, that the centres are found from
_BLOCK = 256  # vectors at once: few, that their products with all centres take little memory
_PASSES = 8  # of k-means within a group
_LAST_PASSES = 2  # of k-means over all


def lay_out(vectors: np.ndarray, partitions: int, seed: int) -> tuple[Layout, np.ndarray]:
    """Principal axes, centres by k-means on a sample, then each vector to the nearest centre.

    Args:
        vectors: float32[C, D], unit length; turned onto the principal axes in place, to hold them once.
        partitions: how many, at most C; those that no vector is nearest to are left out.
        seed: of the samples and of k-means.

    Returns:
        The layout, and the order in which it has the vectors, int64[C].
    """
    random = np.random.default_rng(seed)
    width = min(HEAD, vectors.shape[1])
    rotation = principal_axes(_some(vectors, _MOMENTS, random))
    turn(vectors, rotation)
    centers = _centers(_some(vectors[:, :width], max(_SAMPLE * partitions, _LEAST), random), partitions, seed)
    chosen = nearest_centers(vectors[:, :width], centers)
    order = np.argsort(chosen, kind="stable")
    sizes = np.bincount(chosen, minlength=partitions)
    starts = np.concatenate([[0], np.cumsum(sizes[sizes > 0])]).astype(np.int32)
    return Layout(rotation, centers[sizes > 0], starts, vectors[order, :width], vectors[order, width:]), order


def _some(vectors: np.ndarray, most: int, random: np.random.Generator) -> np.ndarray:
    return vectors[np.sort(random.choice(len(vectors), min(len(vectors), most), replace=False))]


def turn(vectors: np.ndarray, axes: np.ndarray) -> None:
    """Onto these axes, in place: it takes no copy of all."""
    for start in range(0, len(vectors), _BLOCK):
        vectors[start : start + _BLOCK] = vectors[start : start + _BLOCK] @ axes


def principal_axes(vectors: np.ndarray) -> np.ndarray:
    """Orthogonal axes, float32[D, D] by column, those of the largest second moment first."""
    moments = vectors.T @ vectors
    return np.linalg.eigh(moments)[1][:, ::-1].astype(np.float32)


def _centers(heads: np.ndarray, partitions: int, seed: int) -> np.ndarray:
    """Centres of groups, centres within each group, then a few passes over all.

    Costs a third of _PASSES over all and groups no worse. Lloyd's k-means, not the mini-batch form, which in as
    many passes leaves half of the partitions all but empty. A centre that is nearest to none stays where it is.
    """
    groups = _means(heads, round(math.sqrt(partitions)), seed)
    sizes = np.bincount(groups.labels_, minlength=groups.n_clusters)
    shares = np.diff(partitions * np.cumsum([0, *sizes]) // len(heads))
    within = (_means(heads[groups.labels_ == group], share, seed) for group, share in enumerate(shares) if share)
    centers = np.concatenate([means.cluster_centers_ for means in within]).astype(np.float32)
    for _ in range(_LAST_PASSES):
        nearest = nearest_centers(heads, centers)
        counts = np.bincount(nearest, minlength=partitions)[:, np.newaxis]
        sums = tf.math.unsorted_segment_sum(heads, nearest, partitions).numpy()
        centers = np.where(counts, sums / np.maximum(counts, 1), centers).astype(np.float32)
    return centers


def _means(heads: np.ndarray, count: int, seed: int) -> KMeans:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of equal vectors some centres fall together
        return KMeans(count, init="random", n_init=1, max_iter=_PASSES, random_state=seed).fit(heads)


def nearest_centers(heads: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """The nearest centre, int64[C], of each head, float32[C, H], among float32[P, H].

    It is the one with the largest product less half its square, which here is one axis more.
    """
    grown = np.column_stack([centers, -half_squares(centers)]).T
    nearest = np.zeros(len(heads), np.int64)
    for start in range(0, len(heads), _BLOCK):
        some = np.pad(heads[start : start + _BLOCK], [(0, 0), (0, 1)], constant_values=1)
        nearest[start : start + _BLOCK] = (some @ grown).argmax(axis=1)
    return nearest
