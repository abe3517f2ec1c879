"""Sorts vectors into partitions of like vectors."""

import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from components.search.partitions import Layout, half_squares

HEAD = 128
"""Axes of a head, at most."""

_SAMPLE = 25  # vectors a partition that the centres are found from
_BLOCK = 4_096
_PASSES = 8  # of k-means


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
    sample = np.sort(random.choice(count, min(count, max(_SAMPLE * partitions, _BLOCK)), replace=False))
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
    """Lloyd's, not the mini-batch form, which in as many passes leaves half of the partitions all but empty."""
    means = KMeans(partitions, init="random", n_init=1, max_iter=_PASSES, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of equal vectors some centres fall together
        return means.fit(heads).cluster_centers_.astype(np.float32)


def nearest_centers(heads: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """The nearest centre, int64[C], of each head, float32[C, H], among float32[P, H]."""
    nearest = np.zeros(len(heads), np.int64)
    half = half_squares(centers)
    for start in range(0, len(heads), _BLOCK):
        nearest[start : start + _BLOCK] = (half - heads[start : start + _BLOCK] @ centers.T).argmin(axis=1)
    return nearest
