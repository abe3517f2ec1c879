"""The library's search and ranks against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from components.search.exact import Exact
from components.search.similarity import Similarity
from components.tasks.library import Library
from components.tasks.match import key
from components.tasks.right_answers import RightAnswers

RANDOM = np.random.default_rng(11)
IDS = [b"3", b"1", b"4", b"15", b"9", b"2", b"6"]
TEXTS = ["Ja.", "Nej.", "A fence above 110 cm", "许可证", "kräver bygglov", "", "Yes."]
VECTORS = RANDOM.normal(size=(7, 5)).astype("float32")
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)
QUESTIONS = RANDOM.normal(size=(4, 5)).astype("float32")
QUESTIONS /= np.linalg.norm(QUESTIONS, axis=1, keepdims=True)


def keys(texts: list[str]) -> tf.Tensor:
    return key(tf.constant(texts, tf.string))


def made(texts: list[str], vectors: np.ndarray, pairs: list[tuple[str, str]] | None = None) -> Library:
    """A library that shows the texts themselves; `pairs` are rows of question and answer."""
    questions, answers = (keys([pair[at] for pair in pairs or []]).numpy() for at in (0, 1))
    ids = IDS if texts is TEXTS else [text.encode() for text in texts]
    shown = [text.encode() for text in texts]
    similarity = Similarity(Exact(tf.constant(vectors, tf.float32)))
    return Library(ids, shown, keys(texts), similarity, RightAnswers(questions, answers))


def rank(library: Library, vectors: np.ndarray, answers: list[str], questions: list[str] | None = None) -> list[float]:
    asked = keys(questions or [f"question {row}" for row in range(len(answers))])
    return library.rank(tf.constant(vectors, tf.float32), asked, keys(answers)).numpy().tolist()


@pytest.fixture(scope="module")
def library() -> Library:
    return made(TEXTS, VECTORS)


@pytest.mark.parametrize("k", [1, 3, 7, 50])
def test_search_is_a_sort_by_cosine(library: Library, k: int) -> None:
    found = library.search(tf.constant(QUESTIONS), k)
    scores = QUESTIONS @ VECTORS.T
    places = np.argsort(-scores, axis=1)[:, :k]
    assert found.ids.numpy().tolist() == [[IDS[place] for place in row] for row in places]
    assert found.candidates.numpy().tolist() == [[TEXTS[place].encode() for place in row] for row in places]
    np.testing.assert_allclose(found.scores, np.take_along_axis(scores, places, axis=1), atol=1e-6)
    assert found.scores.shape == (4, min(k, 7))


def test_rank_counts_the_candidates_that_score_better(library: Library) -> None:
    scores = QUESTIONS @ VECTORS.T
    for right, text in enumerate(TEXTS):
        expected = 1 + (scores > scores[:, [right]]).sum(axis=1)
        assert rank(library, QUESTIONS, [text] * 4) == expected.tolist()


def test_each_question_is_ranked_by_its_own_answer(library: Library) -> None:
    answers = [TEXTS[2], TEXTS[0], "Yes!", TEXTS[6]]
    alone = [rank(library, QUESTIONS[[row]], [answers[row]])[0] for row in range(4)]
    assert rank(library, QUESTIONS, answers) == alone
    assert len(set(alone)) > 2


@pytest.mark.parametrize("rows", [1, 63, 64, 65, 200])
def test_any_number_of_questions_is_ranked_as_one_is(library: Library, rows: int) -> None:
    questions = np.random.default_rng(rows).normal(size=(rows, 5)).astype("float32")
    right = [place % 7 for place in range(rows)]
    scores = questions @ VECTORS.T
    expected = [1 + int((scores[row] > scores[row, place]).sum()) for row, place in enumerate(right)]
    assert rank(library, questions, [TEXTS[place] for place in right]) == expected


def test_an_answer_that_the_library_lacks_ranks_past_the_last(library: Library) -> None:
    assert rank(library, QUESTIONS[:2], ["yes.", "Nej. "]) == [8, 8]


def test_a_candidate_with_the_same_score_counts_as_better() -> None:
    vectors = np.array([[1, 0], [0.6, 0.8], [0.6, 0.8], [0.6, 0.8], [0, 1]])
    assert rank(made(list("ABCDE"), vectors), np.array([[1.0, 0.0]] * 5), list("ABCDE")) == [1, 4, 4, 4, 5]


@pytest.mark.parametrize("size", [5, 64, 503])
def test_a_collapsed_model_ranks_last(size: int) -> None:
    texts = [str(number) for number in range(size)]
    library = made(texts, np.repeat(QUESTIONS[[1]], size, axis=0))
    assert rank(library, QUESTIONS, texts[:3] + texts[-1:]) == [size] * 4


@pytest.mark.parametrize("broken", ["questions", "candidates", "the right candidate"])
def test_scores_that_are_not_numbers_rank_last(broken: str) -> None:
    questions, vectors = QUESTIONS.copy(), VECTORS.copy()
    if broken == "questions":
        questions[:] = np.nan
    else:
        vectors[2 if broken == "the right candidate" else slice(None)] = np.nan
    assert rank(made(TEXTS, vectors), questions, [TEXTS[2]] * 4) == [7] * 4


def test_other_right_answers_of_a_question_do_not_count() -> None:
    """Only the candidates count that score above the own answer and are not known as right."""
    pairs = [("q", TEXTS[0]), ("q", TEXTS[3]), ("q", TEXTS[5]), ("p", TEXTS[1]), ("other", TEXTS[4]), ("other", "gone")]
    library = made(TEXTS, VECTORS, pairs)
    scores = QUESTIONS @ VECTORS.T
    right = {"q": {0, 3, 5}, "p": set[int](), "other": {4}, "never seen": set[int]()}  # p has one alone
    differs = 0
    for question, known in right.items():
        for own, text in enumerate(TEXTS):
            better = [
                sum(scores[row, place] > scores[row, own] for place in range(7) if place not in known)
                for row in range(4)
            ]
            assert rank(library, QUESTIONS, [text] * 4, [question] * 4) == [1 + count for count in better]
            differs += better != [sum(scores[row] > scores[row, own]) for row in range(4)]
    assert differs > 5


def test_no_questions(library: Library) -> None:
    nothing = tf.zeros([0, 5])
    assert library.rank(nothing, keys([]), keys([])).shape == (0,)
    assert library.search(nothing, 3).ids.shape == (0, 3)


def test_a_library_holds_its_size_and_keys(library: Library) -> None:
    assert library.size == 7
    np.testing.assert_array_equal(library.keys, keys(TEXTS))
    assert [variable.trainable for variable in library.variables] == [False] * 5
