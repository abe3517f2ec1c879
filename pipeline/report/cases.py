"""Which rows to show: of every kind of mistake the clearest, and a few right ones."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["wrong", "label wrong", "neighbors wrong", "right"]

TITLES: dict[Kind, str] = {
    "wrong": "Predicted label wrong, and so are most neighbours",
    "label wrong": "Predicted label wrong, though most neighbours are right",
    "neighbors wrong": "Predicted label right, though most neighbours are not",
    "right": "Right in both ways",
}
"""In the order in which they are shown."""

WRONG_SHOWN = 6
RIGHT_SHOWN = 8

_KINDS: dict[tuple[bool, bool], Kind] = {
    (False, False): "wrong",
    (False, True): "label wrong",
    (True, False): "neighbors wrong",
    (True, True): "right",
}
"""By whether the predicted label is right, and whether that of most neighbours is."""


@dataclass(frozen=True)
class Chosen:
    """Rows of one kind."""

    rows: Sequence[int]
    """Those to show."""
    all: int
    """How many there are."""


def choose_cases(
    correct: np.ndarray,
    neighbor_correct: np.ndarray,
    confidence: np.ndarray,
    pairs: Sequence[tuple[str, str]],
    seed: int,
) -> Mapping[Kind, Chosen]:
    """Rows to show by kind, mistakes first; of mistakes the most confident, different pairs of labels before repeats.

    Args:
        correct: [N], 1 where the predicted label is right.
        neighbor_correct: [N], 1 where the label of most neighbours is right.
        confidence: float[N].
        pairs: right label and predicted label of each row.
        seed: by which right rows are drawn, one of each label before a second of any.
    """
    kinds = _by_kind(correct, neighbor_correct)
    random.Random(seed).shuffle(kinds["right"])  # noqa: S311
    for kind, rows in kinds.items():
        if kind != "right":
            rows.sort(key=lambda row: -np.nan_to_num(confidence[row]))
    return {
        kind: Chosen(_varied(rows, pairs, RIGHT_SHOWN if kind == "right" else WRONG_SHOWN), len(rows))
        for kind, rows in kinds.items()
        if rows
    }


def _by_kind(correct: np.ndarray, neighbor_correct: np.ndarray) -> dict[Kind, list[int]]:
    kinds: dict[Kind, list[int]] = {kind: [] for kind in TITLES}
    for row, right in enumerate(zip((correct > 0).tolist(), (neighbor_correct > 0).tolist(), strict=True)):
        kinds[_KINDS[right]].append(row)
    return kinds


def _varied(rows: Sequence[int], pairs: Sequence[tuple[str, str]], most: int) -> list[int]:
    """The first row of every pair, then the second of every pair and so on, until there are enough."""
    seen: dict[tuple[str, str], int] = {}
    turns = []
    for row in rows:
        seen[pairs[row]] = seen.get(pairs[row], 0) + 1
        turns.append(seen[pairs[row]])
    order = sorted(range(len(rows)), key=lambda place: turns[place])
    return [rows[place] for place in order[:most]]
