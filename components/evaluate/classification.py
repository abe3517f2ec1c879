"""Accuracy, calibration and compactness of classes, as TensorFlow Model Analysis metrics and as plain functions.

The model's `evaluate` signature has compared its prediction with the label already. What a metric needs of some
examples is a summary of fixed size (for the distance ratio, of fixed size a class), and two summaries merge into the
summary of all their examples.
"""

from collections.abc import Mapping

import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from components.evaluate.metric import MeanMetric, SummaryMetric, mean_of, sum_and_count

LABEL = "label"
"""Output of the `evaluate` signature, int64[N]: the label's number, UNKNOWN where the model has no such label."""
CORRECT = "correct"
"""Output, float[N]: 1 where the predicted label is the right one, else 0."""
CONFIDENCE = "confidence"
"""Output, float[N]: the largest probability."""
NEIGHBOR_CORRECT = "neighbor_correct"
"""Output, float[N]: 1 where most of the nearest training examples have the right label, else 0."""
VECTOR = "vector"
"""Output, float[N, D]: the feature, of length 1."""

UNKNOWN = -1
BINS = 15

type Outputs = Mapping[str, np.ndarray]
type Group = tuple[int, np.ndarray, float]
"""Number of points, their mean, float64[D], and the sum of their squared distances from it."""


def accuracy(correct: np.ndarray) -> float:
    """Share of right predictions, 0 to 1.

    Args:
        correct: [N], 1 or true where a prediction is right.

    Returns:
        The mean; NaN for no predictions.
    """
    return mean_of(sum_and_count(correct))


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> float:
    """How far confidence is from accuracy, 0 (calibrated) to 1.

    Predictions are put into bins of equal width by confidence, each (low, high] (0 goes to the first); the error is
    Σ n_b / N · |accuracy_b - mean confidence_b| over bins b of n_b predictions. Naeini, Cooper and Hauskrecht 2015,
    "Obtaining Well Calibrated Probabilities Using Bayesian Binning"; Guo et al. 2017, "On Calibration of Modern Neural
    Networks".

    Args:
        confidence: float[N], probability of each predicted label.
        correct: [N], 1 or true where a prediction is right.
        bins: how many bins.

    Returns:
        The error; NaN for no predictions.

    Raises:
        ValueError: where the lengths differ or there is no bin.
    """
    return _calibration_error(_binned(confidence, correct, bins))


def distance_ratio(vectors: np.ndarray, labels: np.ndarray) -> float:
    """How compact classes are: distance within classes over distance between classes, both root mean squares.

    Over all pairs of two different rows of one class, and all pairs of rows of two classes. 0 where every class is one
    point, about 1 where features say nothing of the class; more is possible. It comes from n, mean and scatter of each
    class, without a loop over pairs: the squared distances within a class add up to n times its scatter.

    Args:
        vectors: float[N, D], of length 1.
        labels: int[N]; rows with UNKNOWN are left out.

    Returns:
        The ratio; NaN where it is undefined: fewer than two classes, no class of two rows, or classes all in one point.

    Raises:
        ValueError: where there is not one vector for every label.
    """
    return _ratio(_grouped(vectors, labels))


class Accuracy(MeanMetric):
    """Share of right predictions; see `accuracy`."""

    output = CORRECT

    def __init__(self, name: str = "accuracy") -> None:
        super().__init__(name)

    def numbers(self, outputs: Outputs) -> np.ndarray:
        """1 where it is right."""
        return outputs[self.output]


class NeighborAccuracy(Accuracy):
    """Share of examples whose label is that of most of their nearest training examples, 0 to 1."""

    output = NEIGHBOR_CORRECT

    def __init__(self, name: str = "neighbor_accuracy") -> None:
        super().__init__(name)


class ExpectedCalibrationError(SummaryMetric[np.ndarray]):
    """How far confidence is from accuracy; see `expected_calibration_error`."""

    def __init__(self, bins: int = BINS, name: str = "ece") -> None:
        self.bins = bins
        super().__init__(name, bins=bins)

    def summary(self, outputs: Outputs) -> np.ndarray:
        """Sums of every bin, float[3, bins]."""
        return _binned(np.ravel(outputs[CONFIDENCE]), np.ravel(outputs[CORRECT]), self.bins)

    def merge(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Their sum."""
        return one + other

    def result(self, summary: np.ndarray) -> float:
        """The error."""
        return _calibration_error(summary)


class DistanceRatio(SummaryMetric[dict[int, Group]]):
    """Distance within classes over distance between classes; see `distance_ratio`."""

    def __init__(self, name: str = "distance_ratio") -> None:
        super().__init__(name)

    def summary(self, outputs: Outputs) -> dict[int, Group]:
        """The group of every class."""
        return _grouped(np.atleast_2d(outputs[VECTOR]), np.ravel(outputs[LABEL]))

    def merge(self, one: dict[int, Group], other: dict[int, Group]) -> dict[int, Group]:
        """Groups of one class become one."""
        both = {label: _joined(group, one[label]) if label in one else group for label, group in other.items()}
        return one | both

    def result(self, summary: dict[int, Group]) -> float:
        """The ratio."""
        return _ratio(summary)


def _binned(confidence: np.ndarray, correct: np.ndarray, bins: int) -> np.ndarray:
    """Number, confidence and right ones, summed by bin: float[3, bins]."""
    if bins < 1:
        raise ValueError(f"bins must be at least 1, got {bins}")
    if np.shape(confidence) != np.shape(correct):
        raise ValueError(
            f"confidence has shape {np.shape(confidence)} and correct {np.shape(correct)}; one each wanted"
        )
    confidence = np.asarray(confidence, float)
    places = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence)
    weights = np.ones_like(confidence), confidence, np.asarray(correct, float)
    return np.stack([np.bincount(places, weight, minlength=bins) for weight in weights])


def _calibration_error(sums: np.ndarray) -> float:
    count, confidence, correct = sums
    total = count.sum()
    return float(np.abs(correct - confidence).sum() / total) if total else float("nan")


def _grouped(vectors: np.ndarray, labels: np.ndarray) -> dict[int, Group]:
    """The group of every known label."""
    vectors, labels = np.asarray(vectors, float), np.asarray(labels)
    if vectors.ndim != 2 or labels.shape != vectors.shape[:1]:  # noqa: PLR2004
        raise ValueError(f"vectors have shape {vectors.shape} and labels {labels.shape}; [N, D] and [N] wanted")
    return {int(label): _group(vectors[labels == label]) for label in np.unique(labels) if label != UNKNOWN}


def _group(points: np.ndarray) -> Group:
    mean, scatter = _scatter(points, np.ones(len(points)))
    return len(points), mean, scatter


def _joined(one: Group, other: Group) -> Group:
    count = one[0] + other[0]
    mean, scatter = _scatter(np.stack([one[1], other[1]]), np.array([one[0], other[0]]))
    return count, mean, one[2] + other[2] + scatter


def _scatter(points: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Weighted mean of points, float[P, D], and sum of their squared distances from it, 0 where all are the same."""
    points, first = points - points[0], points[0]
    mean = weights @ points / weights.sum()
    return first + mean, float(weights @ np.square(points - mean).sum(axis=1))


def _ratio(groups: Mapping[int, Group]) -> float:
    """Over the pairs of n points squared distances add up to n·scatter; the pairs of two classes follow from that."""
    if not groups:
        return float("nan")
    counts = np.array([group[0] for group in groups.values()], float)
    scatters = np.array([group[2] for group in groups.values()])
    total = counts.sum()
    within = counts @ scatters
    between = (total - counts) @ scatters + total * _scatter(np.stack([g[1] for g in groups.values()]), counts)[1]
    pairs_within = counts @ (counts - 1) / 2
    pairs_between = counts @ (total - counts) / 2
    if not (pairs_within and between):
        return float("nan")
    return float(np.sqrt((within / pairs_within) / (between / pairs_between)))


metric_types.register_metric(Accuracy)
metric_types.register_metric(NeighborAccuracy)
metric_types.register_metric(ExpectedCalibrationError)
metric_types.register_metric(DistanceRatio)
