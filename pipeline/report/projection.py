"""Vectors of many dimensions drawn on a plane."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

MOST = 1_000
"""Points on the plane; of more rows a seeded sample is drawn, so that t-SNE takes seconds."""

FEWEST_FOR_TSNE = 40
FEWEST = 3
_PERPLEXITY = 30.0
_ITERATIONS = 500
_ENOUGH = 32  # dimensions in which neighbours are looked for
_PLANE = 2


@dataclass(frozen=True)
class Projection:
    """Points on a plane."""

    method: Literal["t-SNE", "PCA"]
    points: np.ndarray
    """float[M, 2], of the rows in `rows`."""
    rows: np.ndarray
    """int[M], which rows they are, in their order."""
    shown: tuple[float, float] | None
    """PCA: share of the variance along each axis."""


def project(vectors: np.ndarray, seed: int) -> Projection | None:
    """t-SNE (van der Maaten and Hinton 2008, begun from PCA), or PCA of few rows; none where there is nothing to see.

    Of unit vectors, whose Euclidean distances order rows as their cosines do.

    Args:
        vectors: float[N, D]; rows that are not all numbers are left out.
        seed: of the sample and of t-SNE.
    """
    rows = np.flatnonzero(np.isfinite(vectors).all(axis=1))
    if len(rows) > MOST:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST, replace=False))
    kept = np.asarray(vectors, float)[rows]
    if len(rows) < FEWEST or np.ptp(kept, axis=0).max() == 0 or vectors.shape[1] < _PLANE:
        return None
    if len(rows) < FEWEST_FOR_TSNE:
        pca = PCA(_PLANE, svd_solver="full")
        points = pca.fit_transform(kept)
        first, second = pca.explained_variance_ratio_.tolist()
        return Projection("PCA", points, rows, (first, second))
    perplexity = min(_PERPLEXITY, len(rows) / 4)
    if kept.shape[1] > _ENOUGH:
        kept = PCA(min(_ENOUGH, len(rows)), svd_solver="full").fit_transform(kept)
    tsne = TSNE(_PLANE, perplexity=perplexity, init="pca", random_state=seed, max_iter=_ITERATIONS)
    return Projection("t-SNE", tsne.fit_transform(kept), rows, None)
