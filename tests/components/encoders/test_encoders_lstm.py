from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.encoders.lstm import LstmTower, build_towers
from components.encoders.settings import LstmSettings
from components.losses.scores import unit_vectors

SETTINGS = LstmSettings(embedding=7, units=5, max_tokens=6)


@pytest.fixture(scope="module")
def towers(tmp_path_factory: pytest.TempPathFactory) -> tuple[LstmTower, LstmTower]:
    """Question and answer tower over the tokens a to j, with large weights, so that every token shows."""
    file = tmp_path_factory.mktemp("lstm") / "tokens"
    Path(file).write_text("".join(f"{letter}\n" for letter in "abcdefghij"), encoding="utf-8")
    keras.utils.set_random_seed(6)
    built = build_towers(SETTINGS, ["question", "answer"], str(file))
    question, answer = built["question"], built["answer"]
    assert isinstance(question, LstmTower)
    assert isinstance(answer, LstmTower)
    for tower in (question, answer):
        encode(tower, "a")
    random = np.random.default_rng(7)
    for weight in question.trainable_weights:
        weight.assign(random.normal(size=weight.shape))
    return question, answer


def encode(tower: LstmTower, *texts: str) -> np.ndarray:
    return tower(tower.featurize(tf.constant(texts, tf.string))).numpy()


def test_the_question_passes_exactly_one_more_dense_layer(towers: tuple[LstmTower, LstmTower]) -> None:
    question, answer = towers
    assert answer.head is None
    assert isinstance(question.head, keras.layers.Dense)
    extra = [weight for weight in question.weights if all(weight is not shared for shared in answer.weights)]
    assert [tuple(weight.shape) for weight in extra] == [(5, 5), (5,)]
    assert len(question.weights) == len(answer.weights) + 2


def test_embedding_and_lstm_are_shared(towers: tuple[LstmTower, LstmTower]) -> None:
    question, answer = towers
    assert question.embedding is answer.embedding
    assert question.lstm is answer.lstm
    assert tuple(question.embedding.embeddings.shape) == (12, 7)  # ten tokens, padding and unknown
    assert question.dimensions == answer.dimensions == 5


def test_the_dense_layer_is_applied_to_the_lstms_last_state(towers: tuple[LstmTower, LstmTower]) -> None:
    question, answer = towers
    ids = tf.constant([[2, 4, 3]], tf.int64)
    state = answer.lstm(answer.embedding(ids)).numpy()
    np.testing.assert_allclose(encode(answer, "a c b"), state, atol=1e-6)
    assert question.head is not None
    headed = state @ question.head.kernel.numpy() + question.head.bias.numpy()
    np.testing.assert_allclose(encode(question, "a c b"), headed, atol=1e-6)


def test_a_vector_does_not_depend_on_the_padding(towers: tuple[LstmTower, LstmTower]) -> None:
    texts = ("a b", "c d e f g h", "", "j", "x y z")
    for tower in towers:
        alone = np.concatenate([encode(tower, text) for text in texts])
        np.testing.assert_allclose(encode(tower, *texts), alone, atol=1e-6)


def test_every_token_and_their_order_count(towers: tuple[LstmTower, LstmTower]) -> None:
    for tower in towers:
        vectors = unit_vectors(encode(tower, "a b c", "b a c", "a b", "a b d", "c b a")).numpy()
        cosines = vectors @ vectors.T
        assert np.max(cosines[~np.eye(5, dtype=bool)]) < 0.9999


def test_tokens_past_the_limit_are_cut(towers: tuple[LstmTower, LstmTower]) -> None:
    for tower in towers:
        within, beyond, other = encode(tower, "a b c d e f", "a b c d e f g h i j", "a b c d e g")
        np.testing.assert_allclose(within, beyond, atol=1e-6)
        assert np.abs(within - other).max() > 1e-3
    assert towers[0].featurize(tf.constant(["a b c d e f g h i j"])).shape == (1, 6)


def test_unknown_tokens_share_one_id(towers: tuple[LstmTower, LstmTower]) -> None:
    one, other, known = encode(towers[0], "a fence b", "a 许 b", "a c b")
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert np.abs(one - known).max() > 1e-3


def test_features_are_padded_ids(towers: tuple[LstmTower, LstmTower]) -> None:
    question, _ = towers
    padded = [[2, 3, 1], [4, 0, 0], [0, 0, 0]]
    assert question.featurize(tf.constant(["a b x", "c", "👍"])).numpy().tolist() == padded
    assert question.featurize_ids(tf.ragged.constant([[2, 3, 1], [4], []], tf.int64)).numpy().tolist() == padded


def test_a_batch_without_any_token_is_one_wide(towers: tuple[LstmTower, LstmTower]) -> None:
    assert towers[0].featurize(tf.constant(["", "👍"])).numpy().tolist() == [[0], [0]]


def test_a_text_without_tokens_is_one_padding_token(towers: tuple[LstmTower, LstmTower]) -> None:
    _, answer = towers
    state = answer.lstm(answer.embedding(tf.constant([[0]], tf.int64))).numpy()
    np.testing.assert_allclose(encode(answer, "", "👍"), np.repeat(state, 2, 0), atol=1e-6)


def test_texts_without_tokens_have_a_finite_gradient(towers: tuple[LstmTower, LstmTower]) -> None:
    question, _ = towers
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(question(question.featurize(tf.constant(["", "a", "👍"]))) * tf.range(5.0))
    for gradient in tape.gradient(loss, [weight.value for weight in question.trainable_weights]):
        assert np.isfinite(tf.convert_to_tensor(gradient)).all()
