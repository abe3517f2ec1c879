"""Which labels a model takes for which."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pair:
    """Rows of one label that were given another."""

    wanted: str
    predicted: str
    rows: int
    of: int
    """Rows of the label wanted."""


@dataclass(frozen=True)
class Confusion:
    """Counts by right label and predicted label."""

    labels: tuple[str, ...]
    counts: np.ndarray
    """int[L, L]: row the right label, column the predicted one."""
    pairs: tuple[Pair, ...]
    """What was confused, most rows first."""


def confusion(wanted: Sequence[str], predicted: Sequence[str]) -> Confusion:
    """Count every pair of labels.

    Args:
        wanted: N right labels.
        predicted: N labels of a model.
    """
    labels = sorted({*wanted, *predicted}, key=natural)
    place = {label: number for number, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), int)
    both = Counter(zip(wanted, predicted, strict=True))
    for (right, given), rows in both.items():
        counts[place[right], place[given]] = rows
    totals = Counter(wanted)
    pairs = [Pair(right, given, rows, totals[right]) for (right, given), rows in both.items() if right != given]
    pairs.sort(key=lambda pair: (-pair.rows, pair.of, natural(pair.wanted), natural(pair.predicted)))
    return Confusion(tuple(labels), counts, tuple(pairs))


def natural(text: str) -> list[tuple[int, int, str]]:
    """Sort key by which numbers inside a text count as numbers.

    >>> sorted(["b10", "b9", "a"], key=natural)
    ['a', 'b9', 'b10']
    """
    pieces = re.findall(r"\d+|\D+", text)
    return [(0, int(piece), piece) if piece.isdecimal() else (1, 0, piece.casefold()) for piece in pieces]
