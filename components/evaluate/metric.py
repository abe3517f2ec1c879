"""What every metric is to TensorFlow Model Analysis: a number from mergeable summaries of what `evaluate` returns."""

from abc import abstractmethod
from collections.abc import Iterable
from functools import reduce
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util


class SummaryMetric[Summary](metric_types.Metric):
    """A number that comes from a summary of the outputs of `evaluate`; NaN where there are no examples."""

    def __init__(self, name: str, **parameters: float) -> None:
        def computations(
            name: str, model_name: str = "", output_name: str = "", **_: object
        ) -> list[metric_types.MetricComputation]:
            key = metric_types.MetricKey(name=name, model_name=model_name, output_name=output_name)
            return [metric_types.MetricComputation(keys=[key], preprocessors=None, combiner=_Combiner(key, self))]

        super().__init__(metric_util.merge_per_key_computations(computations), name=name, **parameters)

    @abstractmethod
    def summary(self, outputs: Any) -> Summary:
        """What the metric needs to know of some examples, from the outputs of `evaluate`."""

    @abstractmethod
    def merge(self, one: Summary, other: Summary) -> Summary:
        """The summary of all the examples of two."""

    @abstractmethod
    def result(self, summary: Summary) -> float:
        """The metric."""


class MeanMetric(SummaryMetric[np.ndarray]):
    """The mean over examples of a number."""

    @abstractmethod
    def numbers(self, outputs: Any) -> np.ndarray:
        """What is averaged, of some examples."""

    def summary(self, outputs: Any) -> np.ndarray:
        """Sum and count, float[2]."""
        return sum_and_count(self.numbers(outputs))

    def merge(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Their sum."""
        return one + other

    def result(self, summary: np.ndarray) -> float:
        """Sum over count."""
        return mean_of(summary)


def sum_and_count(numbers: np.ndarray) -> np.ndarray:
    """Sum and count, float[2]."""
    return np.array([np.sum(numbers), np.size(numbers)], float)


def mean_of(summary: np.ndarray) -> float:
    """The mean from sum and count; NaN for none."""
    total, count = summary
    return float(total / count) if count else float("nan")


class _Combiner[Summary](beam.CombineFn):
    """Summaries of the outputs of one model; none before the first example."""

    def __init__(self, key: metric_types.MetricKey, metric: SummaryMetric[Summary]) -> None:
        self._key = key
        self._metric = metric

    def create_accumulator(self) -> Summary | None:
        return None

    def add_input(self, total: Summary | None, element: metric_types.StandardMetricInputs) -> Summary | None:
        outputs = element.get_predictions(model_name=self._key.model_name)
        return self.merge_accumulators([total, self._metric.summary(outputs)])

    def merge_accumulators(self, totals: Iterable[Summary | None]) -> Summary | None:
        summaries = [total for total in totals if total is not None]
        return reduce(self._metric.merge, summaries) if summaries else None

    def extract_output(self, total: Summary | None) -> dict[metric_types.MetricKey, float]:
        return {self._key: float("nan") if total is None else self._metric.result(total)}
