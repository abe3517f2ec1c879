"""What a classifier's figures stand beside: naive Bayes and nearest neighbours on words, nearest neighbours on pixels.

Both give the same figures on every run and are bounded in cost: past MAX_TRAIN training rows or MAX_TEST test rows a
seeded sample is used. A picture's pixels all count: 20,000 of 64×64×3 took 13 seconds on 2 cores, 3.1 GB in all.
"""

import random
from collections.abc import Sequence
from typing import Literal

import numpy as np
import tensorflow as tf
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier

from components.transform.tokens import tokenize

MAX_TRAIN, MAX_TEST = 20_000, 1_000
NEIGHBORS = 5
ALPHA = 0.01
"""Smoothing of naive Bayes: over tens of thousands of words much better than the usual 1."""


def naive_bayes_reference(
    train_texts: Sequence[str | bytes],
    train_labels: Sequence[str | bytes],
    test_texts: Sequence[str | bytes],
    test_labels: Sequence[str | bytes],
    *,
    seed: int = 0,
    max_test: int | None = None,
) -> dict[str, float]:
    """Multinomial naive Bayes, and most of the 5 nearest texts by cosine, over TF-IDF of words (sublinear).

    Args:
        train_texts: N texts.
        train_labels: their labels.
        test_texts: M texts.
        test_labels: their labels; one that no training text has counts as wrong.
        seed: of the samples.
        max_test: how many test rows are judged at most; by default MAX_TEST.

    Returns:
        `accuracy` of naive Bayes and `neighbor_accuracy`, 0 to 1.

    Raises:
        ValueError: where a split is empty or has not one label for every text.
    """
    train = _sample("train", len(train_texts), len(train_labels), MAX_TRAIN, seed)
    test = _sample("test", len(test_texts), len(test_labels), MAX_TEST if max_test is None else max_test, seed)
    vectorizer = TfidfVectorizer(analyzer=list, sublinear_tf=True)
    features = vectorizer.fit_transform(_words([train_texts[row] for row in train]))
    queries = vectorizer.transform(_words([test_texts[row] for row in test]))
    known, wanted = _names(train_labels, train), _names(test_labels, test)
    return {
        "accuracy": float(MultinomialNB(alpha=ALPHA).fit(features, known).score(queries, wanted)),
        "neighbor_accuracy": _neighbor_accuracy("cosine", features, known, queries, wanted),
    }


def pixel_reference(
    train_pictures: np.ndarray,
    train_labels: Sequence[str | bytes],
    test_pictures: np.ndarray,
    test_labels: Sequence[str | bytes],
    *,
    seed: int = 0,
    max_test: int | None = None,
) -> dict[str, float]:
    """Most of the 5 nearest pictures by Euclidean distance of pixels.

    Args:
        train_pictures: uint8[N, H, W, C].
        train_labels: their labels.
        test_pictures: uint8[M, H, W, C].
        test_labels: their labels; one that no training picture has counts as wrong.
        seed: of the samples.
        max_test: how many test rows are judged at most; by default MAX_TEST.

    Returns:
        `accuracy` and `neighbor_accuracy`, 0 to 1 and the same.

    Raises:
        ValueError: where a split is empty or has not one label for every picture, or pictures differ in shape.
    """
    if train_pictures.shape[1:] != test_pictures.shape[1:]:
        raise ValueError(f"test pictures are {test_pictures.shape[1:]}, training pictures {train_pictures.shape[1:]}")
    train = _sample("train", len(train_pictures), len(train_labels), MAX_TRAIN, seed)
    test = _sample("test", len(test_pictures), len(test_labels), MAX_TEST if max_test is None else max_test, seed)
    features = train_pictures[train].reshape(len(train), -1).astype(np.float32)
    queries = test_pictures[test].reshape(len(test), -1).astype(np.float32)
    known, wanted = _names(train_labels, train), _names(test_labels, test)
    share = _neighbor_accuracy("euclidean", features, known, queries, wanted)
    return {"accuracy": share, "neighbor_accuracy": share}


def _sample(split: str, rows: int, labels: int, most: int, seed: int) -> list[int]:
    """All rows of a split, or a sample of `most` of them, in order."""
    if rows != labels or not rows:
        raise ValueError(
            f"the {split} split has {rows} rows and {labels} labels; as many of both are wanted, at least 1"
        )
    return sorted(random.Random(seed).sample(range(rows), min(rows, most)))  # noqa: S311


def _names(labels: Sequence[str | bytes], rows: Sequence[int]) -> np.ndarray:
    """Labels of some rows as text, since scikit-learn takes no bytes."""
    chosen = (labels[row] for row in rows)
    return np.array([label.decode() if isinstance(label, bytes) else label for label in chosen])


def _words(texts: Sequence[str | bytes]) -> list[list[bytes]]:
    """Tokens of each text; one without any has an empty token, since scikit-learn refuses texts of no words at all."""
    return [words or [b""] for words in tokenize(tf.constant(list(texts))).to_list()]


def _neighbor_accuracy(
    metric: Literal["cosine", "euclidean"],
    features: np.ndarray | csr_matrix,
    known: np.ndarray,
    queries: np.ndarray | csr_matrix,
    wanted: np.ndarray,
) -> float:
    neighbors = KNeighborsClassifier(min(NEIGHBORS, len(known)), metric=metric)
    return float(neighbors.fit(features, known).score(queries, wanted))
