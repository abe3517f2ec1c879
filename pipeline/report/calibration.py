"""Whether a model is as often right as it says: the numbers of a reliability diagram."""

import math
from dataclasses import dataclass

import numpy as np

BINS = 15
_Z = 1.959964  # of a normal distribution, both sides 2.5 %


@dataclass(frozen=True)
class Bin:
    """Predictions whose confidence is in (low, high]."""

    low: float
    high: float
    rows: int
    confidence: float
    """Mean; NaN where there are no rows."""
    accuracy: float
    """Share of right ones; NaN where there are no rows."""
    interval: tuple[float, float]
    """In which the accuracy of many such rows lies with 95 % confidence, after Wilson."""


@dataclass(frozen=True)
class Calibration:
    """A reliability diagram and its error."""

    bins: tuple[Bin, ...]
    ece: float
    """Expected calibration error; NaN where there are no rows."""
    rows: int


def calibration(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> Calibration:
    """Predictions in bins of equal width by confidence, as `components.evaluate.classification` bins them.

    Guo et al. 2017, "On Calibration of Modern Neural Networks".

    Args:
        confidence: float[N], probability of each predicted label; rows where it is not a number are left out.
        correct: [N], 1 or true where a prediction is right.
        bins: how many bins.
    """
    finite = np.isfinite(confidence)
    confidence, correct = np.asarray(confidence, float)[finite], np.asarray(correct, float)[finite]
    edges = np.linspace(0, 1, bins + 1)
    places = np.searchsorted(edges[1:-1], confidence)
    made = []
    for place in range(bins):
        inside = places == place
        made.append(_bin(edges[place : place + 2], confidence[inside], correct[inside]))
    gaps = [one.rows * abs(one.accuracy - one.confidence) for one in made if one.rows]
    return Calibration(tuple(made), sum(gaps) / len(confidence) if len(confidence) else math.nan, len(confidence))


def _bin(edges: np.ndarray, confidence: np.ndarray, correct: np.ndarray) -> Bin:
    low, high = edges.tolist()
    rows = len(confidence)
    if not rows:
        return Bin(low, high, 0, math.nan, math.nan, (math.nan, math.nan))
    right = float(correct.sum())
    return Bin(low, high, rows, float(confidence.mean()), right / rows, wilson(right, rows))


def wilson(right: float, rows: int) -> tuple[float, float]:
    """95 % interval of a share, right in small samples too. Wilson 1927, "Probable Inference".

    >>> low, high = wilson(9, 10)
    >>> round(low, 3), round(high, 3)
    (0.596, 0.982)
    """
    share, weight = right / rows, _Z**2 / rows
    middle = (share + weight / 2) / (1 + weight)
    half = _Z / (1 + weight) * math.sqrt(share * (1 - share) / rows + weight / (4 * rows))
    return max(0.0, middle - half), min(1.0, middle + half)
