"""A batch in parts gives the gradients of the batch in one."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import (
    BagSettings,
    EmbeddingBagSettings,
    EncoderSettings,
    LstmSettings,
    PretrainedSettings,
)
from components.losses.ranking import MultipleNegativesRanking
from components.tasks.right_answers import RightAnswers
from components.train.learner import KEYS, MatchLearner
from components.train.memory import CandidateMemory
from components.train.micro_batches import Parts

QUESTIONS = ["red fence", "how high may a wall be", "", "shed shed shed", "who", "may I paint it", "deck or roof"]
ANSWERS = ["fences are red", "2 m", "nothing", "a shed of 15 m", "the board decides", "yes", "a roof", "no", "x y z"]
ENCODERS: dict[str, EncoderSettings] = {
    "bag": BagSettings(dimensions=32, buckets=1024, term_dropout=0, weight_decay=0.1),
    "embedding_bag": EmbeddingBagSettings(dimensions=6, buckets=512, word_dropout=0),
    "lstm": LstmSettings(embedding=5, units=4),
}
POSITIVE = np.eye(7, 9, dtype=bool)


class Noisy(keras.layers.Layer):
    """Dropout between two layers, by Keras's generators."""

    def __init__(self) -> None:
        super().__init__()
        self.body = keras.Sequential(
            [keras.Input((3,)), keras.layers.Dense(8), keras.layers.Dropout(0.5), keras.layers.Dense(2)]
        )

    def call(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.body(features, training=training)


@pytest.fixture(params=ENCODERS)
def learner(request: pytest.FixtureRequest, tmp_path: Any) -> MatchLearner:
    keras.utils.set_random_seed(3)
    vocabulary = tmp_path / "tokens"
    vocabulary.write_text("\n".join(sorted({word for text in QUESTIONS + ANSWERS for word in text.split()})), "utf-8")
    towers = ENCODERS[request.param].build(["question", "answer"], str(vocabulary))
    right = RightAnswers(np.array([1]), np.array([1]))
    made = MatchLearner(towers, memory=CandidateMemory(4, towers["answer"].dimensions, right))
    made.compile(keras.optimizers.SGD(1.0), MultipleNegativesRanking())
    made.encode("question", tf.constant(QUESTIONS))
    made.encode("answer", tf.constant(ANSWERS))
    return made


def features(learner: MatchLearner) -> dict[str, Any]:
    return {
        "question": learner.question.featurize(tf.constant(QUESTIONS)),
        "answer": learner.answer.featurize(tf.constant(ANSWERS)),
        KEYS: {"question": tf.range(7, dtype=tf.int64), "answer": tf.range(9, dtype=tf.int64)},
    }


@pytest.mark.parametrize("size", [3, 20])
def test_a_step_in_parts_is_a_step_of_the_whole(learner: MatchLearner, size: int) -> None:
    """SGD with a rate of 1: the change of the weights is the gradient."""
    start = learner.get_weights()
    first = [weight.numpy() for weight in learner.trainable_weights]
    changes, losses = [], []
    for micro_batch in (None, size):
        learner.set_weights(start)
        learner.memory.pushed.assign(0)  # type: ignore[union-attr]
        learner.reset_metrics()
        learner.micro_batch = micro_batch
        logs = tf.function(learner.train_step)((features(learner), tf.constant(POSITIVE)))
        losses.append(float(logs["loss"]))
        changes.append([weight.numpy() - was for weight, was in zip(learner.trainable_weights, first, strict=True)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert max(np.abs(change).max() for change in changes[0]) > 1e-3
    for whole, parts in zip(*changes, strict=True):
        np.testing.assert_allclose(parts, whole, atol=1e-5 * max(np.abs(whole).max(), 1))


@pytest.mark.parametrize("learner", ["embedding_bag"], indirect=True)
@pytest.mark.parametrize("micro_batch", [None, 3])
def test_with_all_layers_frozen_a_step_tells_the_loss_and_learns_nothing(
    learner: MatchLearner, micro_batch: int | None
) -> None:
    learner.question.trainable = learner.answer.trainable = False
    learner.micro_batch = micro_batch
    before = [weight.numpy() for tower in (learner.question, learner.answer) for weight in tower.weights]
    logs = learner.train_step((features(learner), tf.constant(POSITIVE)))
    assert 0 < float(logs["loss"]) < 100
    after = [weight.numpy() for tower in (learner.question, learner.answer) for weight in tower.weights]
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.fixture(params=["layers", "pretrained"])
def noisy(request: pytest.FixtureRequest, preset: Path) -> tuple[keras.layers.Layer, tf.Tensor]:
    """What draws while it learns, and five rows for it."""
    keras.utils.set_random_seed(8)
    if request.param == "layers":
        return Noisy(), tf.constant(np.random.default_rng(1).normal(size=(5, 3)), tf.float32)
    settings = PretrainedSettings(type="pretrained", preset=str(preset), dropout=0.5)
    tower = settings.build(["question"], "")["question"]
    return tower, tower.featurize(tf.constant(ANSWERS[:5]))


def test_what_was_dropped_is_dropped_again_and_then_something_else(
    noisy: tuple[keras.layers.Layer, tf.Tensor],
) -> None:
    """The gradient is that of the very vectors that were computed, and the next step draws anew."""
    encoder, rows = noisy
    values = [weight.value for weight in encoder.trainable_variables]

    @tf.function
    def step() -> tuple[tf.Tensor, list[tf.Tensor], list[tf.Tensor]]:
        parts = Parts(encoder, rows, 2)
        before = [tf.identity(state) for state in parts.states()]
        vectors = parts.encode()
        upstream = tf.random.stateless_normal(tf.shape(vectors), [1, 2])
        gradients = parts.gradients(upstream, values)
        after = parts.states()
        parts.restore(before)
        with tf.GradientTape() as tape:
            same = tf.concat([encoder(rows[start : start + 2], training=True) for start in (0, 2, 4)], axis=0)
            total = tf.reduce_sum(upstream * same)
        expected = tape.gradient(total, values)
        parts.restore(after)
        return vectors, gradients, expected

    first, gradients, expected = step()
    for found, wanted in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)
        assert np.abs(wanted).max() > 1e-3
    assert not np.allclose(first, step()[0])
