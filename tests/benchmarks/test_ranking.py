import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ranking import best_ranks, figures, mean_and_deviation
from components.evaluate.tfidf import TfidfIndex, tfidf_ranks


def test_the_best_right_answer_counts() -> None:
    scores = np.array([[0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3, 0.4]])
    right = np.array([[False, True, False, True], [True, False, True, False]])
    assert best_ranks(scores, right).tolist() == [2, 2]


def test_equal_scores_and_no_numbers_count_as_better() -> None:
    scores = np.array([[0.5, 0.5, 0.5], [np.nan, np.nan, np.nan], [0.5, np.nan, 0.4]])
    right = np.array([[True, False, False], [False, True, False], [True, False, False]])
    assert best_ranks(scores, right).tolist() == [3, 3, 2]


@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=5, max_size=5), min_size=1, max_size=4))
def test_ranks_by_counting(rows: list[list[tuple[int, bool]]]) -> None:
    rows = [[*row, (2, True)] for row in rows]
    expected = []
    for row in rows:
        best = max(score for score, is_right in row if is_right)
        expected.append(1 + sum(not is_right and score >= best for score, is_right in row))
    scores, right = np.moveaxis(np.array(rows, float), 2, 0)
    assert best_ranks(scores, right > 0).tolist() == expected


def test_as_the_pipeline_ranks_by_tfidf() -> None:
    words = [f"word{number}" for number in range(30)]
    draw = random.Random(0)
    answers = [" ".join(draw.choices(words, k=8)) for _ in range(60)]
    questions = [" ".join(draw.choices(answer.split(), k=3)) + f" {draw.choice(words)}" for answer in answers]
    ranks = best_ranks(TfidfIndex(answers).scores(questions), np.eye(60, dtype=bool))
    assert sorted(ranks) == sorted(tfidf_ranks(questions, answers, answers))
    assert len(set(ranks.tolist())) > 3


def test_figures() -> None:
    found = figures(np.array([1, 2, 10, 100]))
    expected = {"recall@1": 0.25, "recall@5": 0.5, "recall@10": 0.75, "MRR": (1 + 0.5 + 0.1 + 0.01) / 4}
    assert found == pytest.approx(expected)


def test_mean_and_deviation() -> None:
    assert mean_and_deviation([1.0, 3.0]) == "2.000 ± 1.000"
    assert mean_and_deviation([1234.4, np.nan], 0) == "1,234 ± 0"
    assert mean_and_deviation([np.nan]) == ""
