"""How well held-out questions find one of their right answers, and tables of it."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from rich import box
from rich.table import Table

CUTS = (1, 5, 10)
METRICS = (*(f"recall@{k}" for k in CUTS), "MRR")

type Figures = Mapping[str, float]


def best_ranks(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Rank of the best right answer of each question, 1 is best.

    A wrong answer with the same score counts as better, and so does every one where the score is not a number; other
    right answers do not count.

    Args:
        scores: float[N, C], of each question with each candidate.
        right: bool[N, C], at least one in a row.

    Returns:
        int[N].
    """
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    return 1 + np.count_nonzero(~(right | (scores < best)), axis=1)


def figures(ranks: np.ndarray) -> dict[str, float]:
    """METRICS of ranks, int[N]."""
    return {f"recall@{k}": float(np.mean(ranks <= k)) for k in CUTS} | {"MRR": float(np.mean(1 / ranks))}


def mean_and_deviation(values: Iterable[float], digits: int = 3) -> str:
    """`0.394 ± 0.031`; nothing where there are no numbers."""
    known = [value for value in values if not np.isnan(value)]
    return f"{np.mean(known):,.{digits}f} ± {np.std(known):,.{digits}f}" if known else ""


def table_of(title: str, digits: Mapping[str, int], results: Mapping[str, Sequence[Figures]]) -> Table:
    """A Markdown table with a line for each name in `results`.

    Args:
        title: over the names.
        digits: the columns, and with how many decimals each.
        results: figures of every run, by name.
    """
    table = Table(title, *digits, box=box.MARKDOWN)
    for name, runs in results.items():
        cells = (mean_and_deviation((run[column] for run in runs), places) for column, places in digits.items())
        table.add_row(name, *cells)
    return table
