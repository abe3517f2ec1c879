"""TF-IDF on the same questions and candidates: what every model's figures stand beside."""

import random
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from sklearn.feature_extraction.text import TfidfVectorizer

from components.transform.tokens import tokenize

MAX_QUESTIONS = 1_000
_BATCH = 200


class TfidfIndex:
    """A library by TF-IDF vectors over words (sublinear), fitted on it.

    Args:
        candidates: C texts.
    """

    def __init__(self, candidates: Sequence[str | bytes]) -> None:
        self.vectorizer = TfidfVectorizer(analyzer=lambda tokens: tokens, sublinear_tf=True)
        words = _words(candidates)
        if not any(words):  # scikit-learn refuses a library of no words; one that no question has stands for them
            words = [[b""] for _ in words]
        self.library = self.vectorizer.fit_transform(words).T.tocsr()

    def encode(self, texts: Sequence[str | bytes]) -> Any:
        """Unit vectors, a sparse matrix float64[N, words]."""
        return self.vectorizer.transform(_words(texts))

    def scores(self, questions: Sequence[str | bytes]) -> np.ndarray:
        """Cosines, float64[N, C], with all candidates."""
        return (self.encode(questions) @ self.library).toarray()


def tfidf_ranks(
    questions: Sequence[str | bytes],
    answers: Sequence[str | bytes],
    candidates: Sequence[str | bytes],
    right: Mapping[Any, Collection[Any]] | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Rank of the right candidate by the cosine of TF-IDF vectors over words (sublinear), fitted on the candidates.

    A candidate with the same score counts as better, as it does for the model, and other right answers of a question do
    not count. Past MAX_QUESTIONS a seeded sample is ranked.

    Args:
        questions: N texts.
        answers: their right answers, all among `candidates`.
        candidates: the library.
        right: all right answers of a question, where it has several.
        seed: of the sample.

    Returns:
        float[min(N, MAX_QUESTIONS)].
    """
    right = right or {}
    rows = random.Random(seed).sample(range(len(questions)), min(len(questions), MAX_QUESTIONS))  # noqa: S311
    index = TfidfIndex(candidates)
    place = {text: number for number, text in enumerate(candidates)}
    ranks = []
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        scores = index.scores([questions[row] for row in batch])
        own = np.arange(len(batch)), [place[answers[row]] for row in batch]
        score = scores[own]
        for number, row in enumerate(batch):
            scores[number, [place[answer] for answer in right.get(questions[row], ())]] = -np.inf
        scores[own] = score
        ranks.append((scores >= score[:, np.newaxis]).sum(axis=1))
    return np.concatenate(ranks).astype(float)


def _words(texts: Sequence[str | bytes]) -> list[list[bytes]]:
    return tokenize(tf.constant(list(texts))).to_list()
