"""How high right answers are ranked, and which questions to show."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_EDGES = (1, 2, 3, 4, 5, 10, 20, 50, 100)
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
    """Questions by rank: each of the first five by itself, then in ever wider bins.

    Args:
        ranks: [N], 1 is best; N at least 1.
    """
    bins = []
    for below, last in zip((0, *_EDGES), (*_EDGES, None), strict=True):
        inside = (ranks > below) & (ranks <= (np.inf if last is None else last))
        up_to = float(np.mean(ranks <= last)) if last is not None else 1.0
        bins.append(RankBin(below + 1, last, int(inside.sum()), up_to))
    while len(bins) > len(_EDGES[:5]) and not bins[-1].rows:  # no empty tail
        bins.pop()
    return tuple(bins)


def choose_questions(ranks: np.ndarray, scores: np.ndarray) -> tuple[list[int], list[int]]:
    """The worst and the best questions.

    Args:
        ranks: [N], of the right answers.
        scores: float[N], of the right answers; among equal ranks the lower is the worse.

    Returns:
        Places of the worst, worst first, all with a rank above 1; of the best, best first, all with rank 1.
    """
    order = sorted(range(len(ranks)), key=lambda row: (-ranks[row], scores[row]))
    return [row for row in order if ranks[row] > 1][:WORST_SHOWN], [row for row in reversed(order) if ranks[row] == 1][
        :BEST_SHOWN
    ]


def right_scores(questions: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Cosine of each question with its right answer, float[N], of unit vectors float[N, D]."""
    return np.einsum("nd,nd->n", questions, answers)


def place_of(key: bytes, keys: Sequence[bytes]) -> int | None:
    """Rank of a key in a ranked list, 1 is first; none where it is not in it."""
    return list(keys).index(key) + 1 if key in keys else None
