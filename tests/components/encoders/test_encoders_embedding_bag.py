"""The embedding bag against a naive sum over words."""

from collections import Counter
from math import log

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.feature_extraction.text import TfidfTransformer

from components.encoders.embedding_bag import EmbeddingBagTower, build_towers
from components.encoders.settings import EmbeddingBagSettings
from components.encoders.terms import count_words
from components.transform.tokens import tokenize

BUCKETS = 1024
TEXTS = [
    "Do I need a permit, a PERMIT for a fence?",
    "En altan högre än 1,8 meter kräver bygglov.",
    "",
    "怎么申请许可证？许可证在网上申请。",
    "👍",
    "permit",
]


def naive_row(text: str) -> dict[int, float]:
    counts = Counter(int(tf.strings.to_hash_bucket_fast(word, BUCKETS)) for word in tokenize([text]).to_list()[0])
    return {bucket: 1 + log(count) for bucket, count in counts.items()}


def built(word_dropout: float = 0.0) -> EmbeddingBagTower:
    keras.utils.set_random_seed(3)
    settings = EmbeddingBagSettings(dimensions=5, buckets=BUCKETS, word_dropout=word_dropout)
    tower = build_towers(settings, ["text"])["text"]
    assert isinstance(tower, EmbeddingBagTower)
    tower.adapt([tf.constant(TEXTS[:2]), tf.constant(TEXTS[2:])])
    return tower


def test_words_are_counted_as_a_naive_loop_does_and_nothing_else_is() -> None:
    counts = count_words(tf.constant(TEXTS), BUCKETS)
    assert counts.dense_shape.numpy().tolist() == [len(TEXTS), BUCKETS]
    found: list[dict[int, float]] = [{} for _ in TEXTS]
    for (row, bucket), value in zip(counts.indices.numpy(), counts.values.numpy(), strict=True):
        found[row][int(bucket)] = float(value)
    for text, row in zip(TEXTS, found, strict=True):
        assert row == pytest.approx(naive_row(text)), text


def test_idf_is_scikit_learns() -> None:
    counts = tf.sparse.to_dense(tf.sparse.reorder(count_words(tf.constant(TEXTS), BUCKETS))).numpy()
    np.testing.assert_allclose(built().idf.numpy(), TfidfTransformer().fit(counts).idf_, rtol=1e-6)


def test_a_vector_is_the_sum_of_embeddings_by_tf_idf_of_length_1() -> None:
    tower = built()
    idf, embeddings = tower.idf.numpy(), tower.embeddings.numpy()
    for text in TEXTS:
        weights = {bucket: value * idf[bucket] for bucket, value in naive_row(text).items()}
        length = np.sqrt(sum(weight**2 for weight in weights.values())) or 1
        expected = sum((weight / length * embeddings[bucket] for bucket, weight in weights.items()), np.zeros(5))
        vector = tower(tower.featurize(tf.constant([text])))
        np.testing.assert_allclose(vector[0], expected, atol=1e-6, err_msg=text)


def test_said_twice_is_not_twice_as_long() -> None:
    tower = built()
    once, twice = tower(tower.featurize(tf.constant(["a permit fence", "fence a permit a permit fence"]))).numpy()
    np.testing.assert_allclose(once, twice, atol=1e-6)


def test_dropped_words_do_not_shorten_the_rest() -> None:
    """Of a text with one word the vector is the same or nothing."""
    tower = built(word_dropout=0.5)
    features = tower.featurize(tf.constant(["permit"] * 60))
    whole = tower(features).numpy()
    dropped = tower(features, training=True).numpy()
    gone = np.all(dropped == 0, axis=1)
    assert 10 < gone.sum() < 50
    np.testing.assert_allclose(dropped[~gone], whole[~gone], rtol=1e-5)
