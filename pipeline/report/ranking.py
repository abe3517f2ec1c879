"""How high right answers are ranked, and which questions to show."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

_EDGES = (1, 2, 3, 5, 10, 20, 100)
_ALWAYS = 5
BEST_SHOWN = 4
WORST_SHOWN = 8


@dataclass(frozen=True)
class RankBin:
    """Questions whose right answer has a rank from `first` to `last`."""

    first: int
    last: int | None
    """None for all that follow."""
    rows: int
    share_up_to: float
    """Share of questions with a rank of `last` or better."""

    @property
    def name(self) -> str:
        """Such as `1`, `6–10`, `> 100`."""
        if self.last is None:
            return f"> {self.first - 1}"
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"


def rank_histogram(ranks: np.ndarray) -> tuple[RankBin, ...]:
    """Questions by rank: each of the first three by itself, then in ever wider bins.

    Args:
        ranks: [N], 1 is best; N at least 1.
    """
    bins = []
    for below, last in zip((0, *_EDGES), (*_EDGES, None), strict=True):
        inside = (ranks > below) & (ranks <= (np.inf if last is None else last))
        up_to = float(np.mean(ranks <= last)) if last is not None else 1.0
        bins.append(RankBin(below + 1, last, int(inside.sum()), up_to))
    while len(bins) > _ALWAYS and not bins[-1].rows:  # no empty tail
        bins.pop()
    return tuple(bins)


def choose_questions(
    ranks: np.ndarray, scores: np.ndarray, pairs: Sequence[tuple[bytes, bytes]]
) -> tuple[list[int], list[int]]:
    """The worst and the best questions, each question once, and among the best each answer once.

    Args:
        ranks: [N], of the right answers.
        scores: float[N], of the right answers; among equal ranks the lower is the worse.
        pairs: question and right answer of each row.

    Returns:
        Places of the worst, worst first, all with a rank above 1; of the best, best first, all with rank 1.
    """
    order = sorted(range(len(ranks)), key=lambda row: (-ranks[row], scores[row]))
    worst = _once((row for row in order if ranks[row] > 1), lambda row: pairs[row][0])
    best = _once((row for row in reversed(order) if ranks[row] == 1), lambda row: pairs[row][0])
    best = _once(best, lambda row: pairs[row][1])
    return worst[:WORST_SHOWN], best[:BEST_SHOWN]


def _once(rows: Iterable[int], key: Callable[[int], bytes]) -> list[int]:
    """The first row of each key."""
    first: dict[bytes, int] = {}
    for row in rows:
        first.setdefault(key(row), row)
    return list(first.values())
