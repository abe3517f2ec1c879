"""The library's search and ranks against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from components.tasks.library import Library
from components.tasks.match import answer_key

RANDOM = np.random.default_rng(11)
IDS = ["3", "1", "4", "15", "9", "2", "6"]
TEXTS = ["Ja.", "Nej.", "A fence above 110 cm", "许可证", "kräver bygglov", "", "Yes."]
VECTORS = RANDOM.normal(size=(7, 5)).astype("float32")
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)
QUESTIONS = RANDOM.normal(size=(4, 5)).astype("float32")
QUESTIONS /= np.linalg.norm(QUESTIONS, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def library() -> Library:
    return Library(IDS, TEXTS, tf.constant(VECTORS))


@pytest.mark.parametrize("k", [1, 3, 7, 50])
def test_search_is_a_sort_by_cosine(library: Library, k: int) -> None:
    found = library.search(tf.constant(QUESTIONS), k)
    scores = QUESTIONS @ VECTORS.T
    places = np.argsort(-scores, axis=1)[:, :k]
    assert found.ids.numpy().tolist() == [[IDS[place].encode() for place in row] for row in places]
    assert found.candidates.numpy().tolist() == [[TEXTS[place].encode() for place in row] for row in places]
    np.testing.assert_allclose(found.scores, np.take_along_axis(scores, places, axis=1), atol=1e-6)
    assert found.scores.shape == (4, min(k, 7))


def test_rank_counts_the_candidates_that_score_better(library: Library) -> None:
    scores = QUESTIONS @ VECTORS.T
    for right, text in enumerate(TEXTS):
        expected = 1 + (scores > scores[:, [right]]).sum(axis=1)
        np.testing.assert_array_equal(library.rank(tf.constant(QUESTIONS), tf.constant([text] * 4)), expected)


def test_each_question_is_ranked_by_its_own_answer(library: Library) -> None:
    answers = [TEXTS[2], TEXTS[0], "Yes!", TEXTS[6]]
    ranks = library.rank(tf.constant(QUESTIONS), tf.constant(answers))
    alone = [library.rank(tf.constant(QUESTIONS[[row]]), tf.constant([answers[row]]))[0] for row in range(4)]
    assert ranks.dtype == tf.float32
    assert ranks.numpy().tolist() == [float(rank) for rank in alone]


@pytest.mark.parametrize("rows", [1, 63, 64, 65, 200])
def test_any_number_of_questions_is_ranked_as_one_is(library: Library, rows: int) -> None:
    questions = np.random.default_rng(rows).normal(size=(rows, 5)).astype("float32")
    right = [place % 7 for place in range(rows)]
    scores = questions @ VECTORS.T
    expected = [1 + int((scores[row] > scores[row, place]).sum()) for row, place in enumerate(right)]
    found = library.rank(tf.constant(questions), tf.constant([TEXTS[place] for place in right]))
    assert found.numpy().tolist() == expected


def test_an_answer_that_the_library_lacks_ranks_past_the_last(library: Library) -> None:
    assert library.rank(tf.constant(QUESTIONS[:2]), tf.constant(["yes.", "Nej. "])).numpy().tolist() == [8, 8]


def test_a_candidate_with_the_same_score_counts_as_better() -> None:
    vectors = [[1, 0], [0.6, 0.8], [0.6, 0.8], [0.6, 0.8], [0, 1]]
    library = Library(list("abcde"), list("ABCDE"), tf.constant(vectors, tf.float32))
    ranks = library.rank(tf.constant([[1.0, 0.0]] * 5), tf.constant(list("ABCDE"))).numpy().tolist()
    assert ranks == [1, 4, 4, 4, 5]


@pytest.mark.parametrize("size", [5, 64, 503])
def test_a_collapsed_model_ranks_last(size: int) -> None:
    texts = [str(number) for number in range(size)]
    vectors = np.repeat(QUESTIONS[[1]], size, axis=0)
    ranks = Library(texts, texts, tf.constant(vectors)).rank(
        tf.constant(QUESTIONS), tf.constant(texts[:3] + texts[-1:])
    )
    assert ranks.numpy().tolist() == [size] * 4


@pytest.mark.parametrize("broken", ["questions", "candidates", "the right candidate"])
def test_scores_that_are_not_numbers_rank_last(broken: str) -> None:
    questions, vectors = QUESTIONS.copy(), VECTORS.copy()
    if broken == "questions":
        questions[:] = np.nan
    else:
        vectors[2 if broken == "the right candidate" else slice(None)] = np.nan
    library = Library(IDS, TEXTS, tf.constant(vectors))
    assert library.rank(tf.constant(questions), tf.constant([TEXTS[2]] * 4)).numpy().tolist() == [7] * 4


def test_no_questions(library: Library) -> None:
    nothing = tf.zeros([0, 5])
    assert library.rank(nothing, tf.constant([], tf.string)).shape == (0,)
    assert library.search(nothing, 3).ids.shape == (0, 3)


def test_a_library_holds_its_size_and_keys(library: Library) -> None:
    assert library.size == 7
    np.testing.assert_array_equal(library.keys, answer_key(tf.constant(TEXTS)))
    assert [variable.trainable for variable in library.variables] == [False] * 4
