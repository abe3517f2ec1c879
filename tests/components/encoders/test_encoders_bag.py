"""The bag encoder against a naive count, a naive sketch, scikit-learn's idf and exact TF-IDF cosines."""

from collections import Counter
from itertools import pairwise
from math import log
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.feature_extraction.text import TfidfTransformer

from components.encoders import bag
from components.encoders.bag import BagTower, build_towers
from components.encoders.settings import BagSettings
from components.encoders.sketch import COORDINATES_PER_TERM, places
from components.encoders.terms import count_terms, term_counter
from components.transform.tokens import tokenize

BUCKETS = 2**18
TEXTS = [
    "Do I need a permit, a PERMIT for a fence?",
    "En altan högre än 1,8 meter kräver bygglov.",
    "",
    "怎么申请许可证？许可证在网上申请。",
    "aaaa b",
    "👍",
    "word permit",
    "A fence above 110 cm needs a building permit, a lower fence needs none.",
]


def naive_terms(text: str, ngrams: tuple[int, ...]) -> Counter[str]:
    words = [token.decode() for token in tokenize([text]).to_list()[0]]
    framed = [f"<{word}>" for word in words]
    return Counter(
        [f" {word}" for word in words]
        + [f"{one} {two}" for one, two in pairwise(words)]
        + [word[at : at + n] for word in framed for n in ngrams for at in range(len(word) - n + 1)]
    )


def naive_row(text: str, buckets: int, ngrams: tuple[int, ...]) -> dict[int, float]:
    counts: Counter[int] = Counter()
    for term, count in naive_terms(text, ngrams).items():
        counts[int(tf.strings.to_hash_bucket_fast(term, buckets))] += count
    return {bucket: 1 + log(count) for bucket, count in counts.items()}


def dense(terms: tf.SparseTensor) -> np.ndarray:
    return tf.sparse.to_dense(tf.sparse.reorder(terms)).numpy()


@pytest.mark.parametrize(("buckets", "ngrams"), [(BUCKETS, (3, 4, 5)), (1024, (2,)), (BUCKETS, (1, 6))])
def test_counts_are_those_of_a_naive_loop(buckets: int, ngrams: tuple[int, ...]) -> None:
    terms = count_terms(tf.constant(TEXTS), buckets, ngrams)
    assert terms.dense_shape.numpy().tolist() == [len(TEXTS), buckets]
    assert terms.values.dtype == tf.float32
    for row, text in enumerate(TEXTS):
        mine = (terms.indices[:, 0] == row).numpy()
        found = dict(zip(terms.indices[:, 1].numpy()[mine].tolist(), terms.values.numpy()[mine], strict=True))
        assert found == pytest.approx(naive_row(text, buckets, ngrams)), text


def test_a_word_counts_apart_from_any_pair_and_any_piece_of_a_word() -> None:
    assert len(naive_terms("word permit", (4,))) == 2 + 1 + 3 + 5
    terms = count_terms(tf.constant(["word permit"]), 2**24, (4,))
    assert terms.values.numpy().tolist() == [1.0] * 11


def test_a_row_does_not_depend_on_the_others() -> None:
    together = dense(count_terms(tf.constant(TEXTS), 1024, (3, 4)))
    alone = [dense(count_terms(tf.constant([text]), 1024, (3, 4)))[0] for text in TEXTS]
    np.testing.assert_array_equal(together, alone)


def test_one_graph_counts_for_all_towers_with_the_same_settings() -> None:
    settings = BagSettings(dimensions=16, buckets=1536, ngrams=(3,))
    towers = [tower for _ in range(2) for tower in build_towers(settings, ["question", "answer"]).values()]
    counted = [dense(tower.featurizer()(tf.constant(TEXTS[: 1 + at]))) for at, tower in enumerate(towers)]
    for at, counts in enumerate(counted):
        np.testing.assert_array_equal(counts, dense(count_terms(tf.constant(TEXTS[: 1 + at]), 1536, (3,))))
    graph: Any = term_counter(1536, (3,))
    assert graph.experimental_get_tracing_count() == 1


def adapted(settings: BagSettings) -> tuple[BagTower, BagTower]:
    towers = build_towers(settings, ["question", "answer"])
    towers["answer"].adapt([tf.constant(TEXTS[:3]), tf.constant(TEXTS[3:])])
    question, answer = towers["question"], towers["answer"]
    assert isinstance(question, BagTower)
    assert isinstance(answer, BagTower)
    return question, answer


def test_idf_is_scikit_learns() -> None:
    settings = BagSettings(buckets=1024)
    _, answer = adapted(settings)
    counts = dense(count_terms(tf.constant(TEXTS), 1024, settings.ngrams))
    np.testing.assert_allclose(answer.lexicon.idf.numpy(), TfidfTransformer().fit(counts).idf_, rtol=1e-6)
    assert answer.lexicon.idf.numpy().max() == pytest.approx(1 + log(9 / 1))


def test_vector_is_a_naive_sketch_of_weighted_terms() -> None:
    settings = BagSettings(buckets=1024, dimensions=16)
    question, _ = adapted(settings)
    random = np.random.default_rng(3)
    log_weight = random.normal(size=1024).astype("float32")
    question.log_weight.assign(log_weight)
    idf = question.lexicon.idf.numpy()
    place, sign = (drawn.numpy() for drawn in places(tf.range(1024, dtype=tf.int64), 16))
    for text in TEXTS:
        expected = np.zeros(16)
        for term, frequency in naive_row(text, 1024, settings.ngrams).items():
            for coordinate in range(COORDINATES_PER_TERM):
                weight = frequency * idf[term] * np.exp(log_weight[term])
                expected[place[term, coordinate]] += weight * sign[term, coordinate]
        expected /= np.linalg.norm(expected) or 1
        vector = question(question.featurize(tf.constant([text])))
        np.testing.assert_allclose(vector[0], expected, atol=1e-5, err_msg=text)


def exact_cosines(settings: BagSettings, idf: np.ndarray, texts: list[str]) -> np.ndarray:
    weighted = dense(count_terms(tf.constant(texts), settings.buckets, settings.ngrams)) * idf
    unit = weighted / np.linalg.norm(weighted, axis=1, keepdims=True)
    return unit @ unit.T


@pytest.mark.parametrize("dimensions", [256, 16_384])
def test_untrained_cosines_are_those_of_tf_idf_within_the_sketch(dimensions: int) -> None:
    settings = BagSettings(dimensions=dimensions, buckets=2**14)
    question, answer = adapted(settings)
    draw = np.random.default_rng(8)
    words = sorted({token.decode() for row in tokenize(TEXTS).to_list() for token in row})
    texts = [" ".join(draw.choice(words, size=size)) for size in range(3, 43)]
    found = question(question.featurize(tf.constant(texts))) @ tf.transpose(
        answer(answer.featurize(tf.constant(texts)))
    )
    exact = exact_cosines(settings, answer.lexicon.idf.numpy(), texts)
    error = (found.numpy() - exact)[~np.eye(len(texts), dtype=bool)]
    assert exact.std() > 0.05
    assert error.std() < dimensions**-0.5
    assert np.abs(error).max() < 5 * dimensions**-0.5
    assert abs(error.mean()) < dimensions**-0.5
    np.testing.assert_allclose(np.diag(found), 1, rtol=1e-5)


def test_only_the_term_weights_are_trained_and_each_tower_has_its_own() -> None:
    question, answer = adapted(BagSettings(buckets=1024))
    assert question.trainable_weights == [question.log_weight]
    assert answer.trainable_weights == [answer.log_weight]
    assert question.log_weight is not answer.log_weight
    assert question.lexicon is answer.lexicon
    np.testing.assert_array_equal(question.log_weight, np.zeros(1024))


def test_weight_decay_is_a_loss_and_leaves_the_vector_alone() -> None:
    free, decayed = (BagSettings(buckets=1024, weight_decay=decay) for decay in (0.0, 0.25))
    towers = [adapted(settings)[0] for settings in (free, decayed)]
    for tower in towers:
        tower.log_weight.assign(np.linspace(0, 1, 1024))
    assert float(sum(towers[0].losses)) == 0
    assert float(sum(towers[1].losses)) == pytest.approx(0.25 * np.sum(np.linspace(0, 1, 1024) ** 2), rel=1e-5)
    vectors = [tower(tower.featurize(tf.constant(TEXTS))) for tower in towers]
    np.testing.assert_array_equal(*vectors)


def test_terms_drop_out_in_training_only() -> None:
    keras.utils.set_random_seed(4)
    still, dropping = (
        adapted(BagSettings(buckets=1024, dimensions=16_384, term_dropout=share))[0] for share in (0.0, 0.75)
    )
    terms = still.featurize(tf.constant(TEXTS[-1:]))
    whole = still(terms)
    np.testing.assert_array_equal(still(terms, training=True), whole)
    np.testing.assert_array_equal(dropping(terms), whole)
    first, second = (dropping(terms, training=True).numpy() for _ in range(2))
    assert not np.array_equal(first, second)
    share = np.count_nonzero(first) / np.count_nonzero(whole)
    assert 0.1 < share < 0.4


def test_texts_without_tokens_have_a_zero_vector_and_a_finite_gradient() -> None:
    question, _ = adapted(BagSettings(buckets=1024))
    terms = question.featurize(tf.constant(["👍", "permit", ""]))
    with tf.GradientTape() as tape:
        vectors = question(terms)
        loss = tf.reduce_sum(vectors * tf.range(1024.0))
    gradient = tf.convert_to_tensor(tape.gradient(loss, question.log_weight.value)).numpy()
    assert vectors.numpy()[[0, 2]].tolist() == [[0.0] * 1024] * 2
    assert np.isfinite(gradient).all()
    assert np.any(gradient != 0)


def test_terms_that_cancel_out_have_a_zero_vector_and_no_exploding_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    def in_one_place(terms: tf.Tensor, _: int) -> tuple[tf.Tensor, tf.Tensor]:
        of_term = tf.where(terms % 2 == 0, 1.0, -1.0)[:, tf.newaxis]
        shape = [tf.size(terms), COORDINATES_PER_TERM]
        return tf.zeros(shape, tf.int64), tf.broadcast_to(of_term, shape)

    monkeypatch.setattr(bag, "places", in_one_place)
    question, _ = adapted(BagSettings(buckets=1024, dimensions=8))
    question.lexicon.idf.assign(np.ones(1024))
    terms = tf.SparseTensor([[0, 2], [0, 7]], [1.5, 1.5], [1, 1024])
    with tf.GradientTape() as tape:
        vectors = question(terms)
        loss = 3 * tf.reduce_sum(vectors)
    gradient = tf.convert_to_tensor(tape.gradient(loss, question.log_weight.value)).numpy()
    assert vectors.numpy().tolist() == [[0.0] * 8]
    assert {term: gradient[term] for term in np.flatnonzero(gradient)} == {2: 18.0, 7: -18.0}
