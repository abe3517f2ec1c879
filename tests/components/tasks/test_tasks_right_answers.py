import numpy as np
import pytest
import tensorflow as tf

from components.tasks.match import key
from components.tasks.right_answers import RightAnswers


def keys(*values: str) -> np.ndarray:
    return key(tf.constant(values, tf.string)).numpy()


def test_the_answers_of_a_question_with_several_are_right_for_it() -> None:
    rows = [("one", "1"), ("two", "2"), ("one", "eins"), ("two", "2"), ("three", "drei"), ("three", "3"), ("one", "1")]
    right = RightAnswers(keys(*(question for question, _ in rows)), keys(*(answer for _, answer in rows)))
    found = right.matrix(keys("two", "one", "none", "three"), keys("eins", "2", "1", "3", "drei"))
    assert not right.empty
    assert found.numpy().astype(int).tolist() == [
        [0, 0, 0, 0, 0],  # its one answer need not be told
        [1, 0, 1, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 1, 1],
    ]


def test_it_is_empty_where_every_question_has_one_answer() -> None:
    right = RightAnswers(keys("one", "two", "one"), keys("1", "2", "1"))
    assert right.empty
    assert right.matrix(keys("one", "two"), keys("1", "2", "3")).numpy().tolist() == [[False] * 3] * 2


def test_many_pairs_against_a_naive_loop() -> None:
    random = np.random.default_rng(5)
    questions, answers = random.integers(0, 40, 90), random.integers(0, 30, 90)
    right = RightAnswers(questions, answers)
    pairs = set(zip(questions.tolist(), answers.tolist(), strict=True))
    several = {question for question, _ in pairs if sum(one == question for one, _ in pairs) > 1}
    expected = [[(q, a) in pairs and q in several for a in range(30)] for q in range(40)]
    assert 30 < np.sum(expected) < 90
    assert right.matrix(tf.range(40, dtype=tf.int64), tf.range(30, dtype=tf.int64)).numpy().tolist() == expected


@pytest.mark.parametrize(("questions", "answers"), [((), ("1", "2")), (("one",), ()), ((), ())])
def test_nothing_asked(questions: tuple[str, ...], answers: tuple[str, ...]) -> None:
    for right in (RightAnswers(keys("one", "one"), keys("1", "2")), RightAnswers(keys(), keys())):
        assert right.matrix(keys(*questions), keys(*answers)).shape == (len(questions), len(answers))
