"""The inverted index against TF-IDF in dense matrices."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.encoders.terms import count_terms, inverse_document_frequency
from components.search import postings as module
from components.search.postings import Postings
from components.search.settings import SearchSettings

BUCKETS, NGRAMS = 2**12, (3, 4)
LIBRARY = [
    "A fence above 110 cm needs a permit.",
    "altan 许可证",
    "",
    "The fence and the wall, the wall",
    "👍",
    "permit",
]
ASKED = ["Does my FENCE need a permit?", "wall wall wall fence", "许可证", "", "zzz qqq", "the"]


def dense(texts: list[str]) -> np.ndarray:
    return tf.sparse.to_dense(tf.sparse.reorder(count_terms(tf.constant(texts), BUCKETS, NGRAMS))).numpy()


def expected(library: list[str], asked: list[str], most: int = 10**6) -> np.ndarray:
    idf = inverse_document_frequency([tf.constant(library)], lambda text: count_terms(text, BUCKETS, NGRAMS), BUCKETS)
    rows, columns = dense(asked) * idf, dense(library) * idf
    common = (columns > 0).sum(axis=0) > most
    rows, columns = (
        values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9) for values in (rows, columns)
    )
    return rows @ np.where(common, 0, columns).T


def test_scores_are_cosines_of_tf_idf() -> None:
    scores = Postings([text.encode() for text in LIBRARY], BUCKETS, NGRAMS).scores(tf.constant(ASKED)).numpy()
    np.testing.assert_allclose(scores, expected(LIBRARY, ASKED), atol=2e-3)  # weights are float16
    assert scores[0].argmax() == 0
    assert scores[1].argmax() == 3
    assert scores[3].tolist() == [0] * 6


@settings(deadline=None, max_examples=20)
@given(
    library=st.lists(st.text("ab c許é", max_size=12), min_size=1, max_size=8),
    asked=st.lists(st.text("ab c許é", max_size=12), max_size=4),
)
def test_any_texts_score_as_dense_matrices_do(library: list[str], asked: list[str]) -> None:
    scores = Postings([text.encode() for text in library], BUCKETS, NGRAMS).scores(tf.constant(asked, tf.string))
    assert scores.shape == (len(asked), len(library))
    if asked:
        np.testing.assert_allclose(scores, expected(library, asked), atol=2e-3)


def test_a_text_is_most_like_itself() -> None:
    texts = [text for text in LIBRARY if text.isascii() and text]
    scores = Postings([text.encode() for text in texts], BUCKETS, NGRAMS).scores(tf.constant(texts)).numpy()
    np.testing.assert_allclose(np.diag(scores), 1, atol=2e-3)


def test_terms_of_too_many_candidates_add_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    scores = Postings([text.encode() for text in LIBRARY], BUCKETS, NGRAMS).scores(tf.constant(ASKED)).numpy()
    np.testing.assert_allclose(scores, expected(LIBRARY, ASKED, most=1), atol=2e-3)
    assert np.all(scores <= expected(LIBRARY, ASKED) + 2e-3)


def test_an_empty_library() -> None:
    assert Postings([], BUCKETS, NGRAMS).scores(tf.constant(ASKED)).shape == (6, 0)


def test_tf_idf_of_pictures_is_refused() -> None:
    with pytest.raises(ValueError, match="lexical: compares the words of questions and answers"):
        SearchSettings(lexical=0.3).check({"question": "image", "answer": "text"})
    SearchSettings(lexical="none").check({"question": "image", "answer": "text"})
    SearchSettings(lexical="auto").check({"question": "text", "answer": "text"})
