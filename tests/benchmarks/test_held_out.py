from pathlib import Path

import numpy as np

from benchmarks.held_out import MOST_TEST, hold_out, split_questions
from benchmarks.pair_sets import Pair
from components.train.rows import read_rows

PAIRS = [Pair(f"question {number % 40}", f"answer {number % 25}") for number in range(60)]
NAMES = ("train", "validation", "test")


def test_every_question_is_in_one_part() -> None:
    parts = split_questions(PAIRS, 0)
    asked = [question for name in NAMES for question in getattr(parts, name)]
    assert sorted(asked) == sorted({pair.question for pair in PAIRS})
    assert (len(parts.test), len(parts.validation)) == (len(asked) // 5, len(asked) // 10)


def test_a_split_is_the_same_every_time_and_unlike_another() -> None:
    assert split_questions(PAIRS, 3) == split_questions(PAIRS, 3)
    assert set(split_questions(PAIRS, 3).test) != set(split_questions(PAIRS, 4).test)


def test_no_more_are_held_out_than_needed() -> None:
    pairs = [Pair(str(number), "yes") for number in range(10_000)]
    parts = split_questions(pairs, 0)
    assert (len(parts.test), len(parts.validation), len(parts.train)) == (MOST_TEST, 250, 9_250)


def test_all_right_answers_of_the_held_out_questions(tmp_path: Path) -> None:
    data = hold_out(PAIRS, 1, tmp_path)
    assert sorted(data.library) == sorted({pair.answer for pair in PAIRS})
    assert list(data.questions) == list(split_questions(PAIRS, 1).test)
    for row, question in enumerate(data.questions):
        found = {data.library[column] for column in np.flatnonzero(data.right[row]).tolist()}
        assert found == {answer for asked, answer in PAIRS if asked == question}
    assert (data.right.sum(axis=1) > 1).any()


def test_records_are_the_rows_of_their_part(tmp_path: Path) -> None:
    data = hold_out(PAIRS, 2, tmp_path)
    parts = split_questions(PAIRS, 2)
    seen: list[int] = []
    for name in NAMES:
        for row_id, question, answer in read_rows(getattr(data.files, name), ("id", "question", "answer")):
            assert PAIRS[int(row_id)] == Pair(question.decode(), answer.decode())
            assert question.decode() in getattr(parts, name)
            seen.append(int(row_id))
    assert sorted(seen) == list(range(len(PAIRS)))


def test_the_vocabulary_is_learnt_from_what_is_not_held_out(tmp_path: Path) -> None:
    pairs = [Pair(f"ask{number}", f"say{number}") for number in range(20)]
    data = hold_out(pairs, 0, tmp_path)
    tokens = set(Path(data.files.vocabulary).read_text().split())
    assert {pair.question for pair in pairs} & tokens == set(split_questions(pairs, 0).train)
