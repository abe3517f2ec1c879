"""Unit vectors in clusters, as encoders make them, for tests of indexes."""

import numpy as np


def clustered(count: int, dimensions: int, seed: int, spread: float = 0.6) -> np.ndarray:
    """float32[count, dimensions] around a centre for every 20."""
    random = np.random.default_rng(seed)
    centers = random.normal(size=(max(1, count // 20), dimensions))
    vectors = centers[random.integers(len(centers), size=count)] + spread * random.normal(size=(count, dimensions))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
