"""Recall@k and mean reciprocal rank as TensorFlow Model Analysis metrics.

The model's `evaluate` signature has ranked the right candidate among the whole library already; here ranks only become
numbers that can be averaged over any slice.
"""

from abc import abstractmethod
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from components.evaluate.metric import MeanMetric

RANK = "rank"
"""Output of the `evaluate` signature: the right candidate's rank, 1 is best."""


class RankMetric(MeanMetric):
    """Mean over examples of a value of the rank."""

    def numbers(self, outputs: Any) -> np.ndarray:
        """The values; TFMA names no output where it is the only one."""
        ranks = outputs[RANK] if isinstance(outputs, dict) else outputs
        return self.value(np.ravel(ranks).astype(float))

    @abstractmethod
    def value(self, ranks: np.ndarray) -> np.ndarray:
        """What is averaged, float[N], of ranks, float[N]."""


class RecallAtK(RankMetric):
    """Share of questions whose right answer is among the first k candidates."""

    def __init__(self, k: int, name: str = "recall") -> None:
        self.k = k
        super().__init__(name, k=k)

    def value(self, ranks: np.ndarray) -> np.ndarray:
        """1 where the rank is at most k."""
        return ranks <= self.k


class MeanReciprocalRank(RankMetric):
    """Mean of 1 / rank over the whole library (no cut-off)."""

    def __init__(self, name: str = "mrr") -> None:
        super().__init__(name)

    def value(self, ranks: np.ndarray) -> np.ndarray:
        """1 / rank."""
        return 1.0 / ranks


metric_types.register_metric(RecallAtK)
metric_types.register_metric(MeanReciprocalRank)
