"""Recall@k and mean reciprocal rank as TensorFlow Model Analysis metrics.

The model's `evaluate` signature has ranked the right candidate among the whole library already; here ranks only become
numbers that can be averaged over any slice.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util

RANK = "rank"
"""Output of the `evaluate` signature: the right candidate's rank, 1 is best."""


class RankMetric(metric_types.Metric):
    """Mean over examples of a value of the rank."""

    def __init__(self, name: str, **parameters: float) -> None:
        def computations(
            name: str, model_name: str = "", output_name: str = "", **_: object
        ) -> list[metric_types.MetricComputation]:
            key = metric_types.MetricKey(name=name, model_name=model_name, output_name=output_name)
            combiner = _Mean(key, self.value)
            return [metric_types.MetricComputation(keys=[key], preprocessors=None, combiner=combiner)]

        super().__init__(metric_util.merge_per_key_computations(computations), name=name, **parameters)

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


class _Mean(beam.CombineFn):
    """(sum, count) of a value of the ranks of one model."""

    def __init__(self, key: metric_types.MetricKey, value: Callable[[np.ndarray], np.ndarray]) -> None:
        self._key = key
        self._value = value

    def create_accumulator(self) -> tuple[float, int]:
        return 0.0, 0

    def add_input(self, total: tuple[float, int], element: metric_types.StandardMetricInputs) -> tuple[float, int]:
        predictions = element.get_predictions(model_name=self._key.model_name)
        ranks = np.ravel(predictions[RANK] if isinstance(predictions, dict) else predictions).astype(float)
        return total[0] + float(np.sum(self._value(ranks))), total[1] + ranks.size

    def merge_accumulators(self, totals: Iterable[tuple[float, int]]) -> tuple[float, int]:
        sums, counts = zip(*totals, strict=True)
        return sum(sums), sum(counts)

    def extract_output(self, total: tuple[float, int]) -> dict[metric_types.MetricKey, float]:
        return {self._key: total[0] / total[1] if total[1] else float("nan")}


metric_types.register_metric(RecallAtK)
metric_types.register_metric(MeanReciprocalRank)
