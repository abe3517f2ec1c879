import math
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.losses.cross_entropy import SmoothedCrossEntropy, Softmax, smoothed_cross_entropy

LABELS = np.array([2, 0, 0, 1])


def naive_cross_entropy(labels: Any, logits: Any, smoothing: float) -> list[float]:
    """By the definition: a share of the label's and a share of the uniform distribution's cross-entropy."""
    losses = []
    for label, row in zip(labels, logits, strict=True):
        whole = sum(math.exp(z) for z in row)
        costs = [-math.log(math.exp(z) / whole) for z in row]
        losses.append((1 - smoothing) * costs[label] + smoothing * sum(costs) / len(costs))
    return losses


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_equals_the_naive_loop(smoothing: float, seed: int) -> None:
    logits = 3 * np.random.default_rng(seed).normal(size=(4, 5))
    losses = smoothed_cross_entropy(LABELS, logits, smoothing=smoothing)
    np.testing.assert_allclose(losses, naive_cross_entropy(LABELS, logits, smoothing), rtol=1e-9)


def test_literal_values() -> None:
    logits = [[10.0, 1.0, -2.0]] * 3
    losses = smoothed_cross_entropy([1, 0, 2], logits, smoothing=0.0)
    np.testing.assert_allclose(losses, [9.00013, 0.00013, 12.00013], atol=5e-6)
    # with smoothing: 0.7 of the label's, 0.1 of each of 9.00013, 0.00013 and 12.00013
    np.testing.assert_allclose(smoothed_cross_entropy([1], logits[:1], smoothing=0.3), [8.40013], atol=5e-6)
    np.testing.assert_allclose(smoothed_cross_entropy([3], [[0.4] * 6], smoothing=0.2), [math.log(6)], rtol=1e-6)


def test_the_smallest_value_is_the_entropy_of_the_smoothed_target() -> None:
    target, entropy = [0.025, 0.925, 0.025, 0.025], 0.3487804
    best = tf.constant(np.log([target]))
    with tf.GradientTape() as tape:
        tape.watch(best)
        losses = smoothed_cross_entropy([1], best, smoothing=0.1)
    np.testing.assert_allclose(losses, [entropy], rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(losses, best), np.zeros((1, 4)), atol=1e-12)
    for step in np.random.default_rng(0).normal(size=(50, 1, 4)):
        assert smoothed_cross_entropy([1], best + step, smoothing=0.1).numpy()[0] > entropy
    assert smoothed_cross_entropy([1], [[0.0, 99.0, 0.0, 0.0]], smoothing=0.1).numpy()[0] > 7  # too sure costs
    assert smoothed_cross_entropy([1], [[0.0, 99.0, 0.0, 0.0]], smoothing=0.0).numpy()[0] < 1e-9


def test_large_logits_do_not_overflow() -> None:
    losses = smoothed_cross_entropy([0, 1], np.array([[1e4, -1e4], [1e4, -1e4]], np.float32), smoothing=0.1)
    np.testing.assert_allclose(losses, [0.05 * 2e4, 0.95 * 2e4], rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_label_that_is_no_class_shows(smoothing: float) -> None:
    losses = smoothed_cross_entropy([0, -1, 3, 2], np.zeros((4, 3)), smoothing=smoothing)
    np.testing.assert_array_equal(np.isnan(losses), [False, True, True, False])


@pytest.mark.parametrize("smoothing", [-0.1, 1, 1.5, float("nan")])
def test_a_wrong_smoothing_is_refused(smoothing: float) -> None:
    message = f"smoothing is {smoothing!r}: it must be at least 0 and below 1"
    with pytest.raises(ValueError, match=message):
        smoothed_cross_entropy([0], [[1.0, 2.0]], smoothing=smoothing)
    with pytest.raises(ValueError, match=message):
        SmoothedCrossEntropy(smoothing)
    with pytest.raises(ValueError, match=message):
        Softmax(2, 3, smoothing=smoothing)


class TestKerasLoss:
    LOGITS = np.random.default_rng(3).normal(size=(4, 5)).astype(np.float32)

    def test_it_is_the_mean_of_the_function(self) -> None:
        expected = smoothed_cross_entropy(LABELS, self.LOGITS, smoothing=0.25).numpy()
        np.testing.assert_allclose(SmoothedCrossEntropy(0.25, reduction=None)(LABELS, self.LOGITS), expected, rtol=1e-6)
        np.testing.assert_allclose(SmoothedCrossEntropy(0.25)(LABELS, self.LOGITS), expected.mean(), rtol=1e-6)
        weighted = SmoothedCrossEntropy(0.25, reduction="sum")(LABELS, self.LOGITS, sample_weight=[0.0, 2.0, 0.0, 1.0])
        np.testing.assert_allclose(weighted, 2 * expected[1] + expected[3], rtol=1e-6)

    def test_it_equals_that_of_keras(self) -> None:
        theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.25)
        one_hot = np.eye(5, dtype=np.float32)[LABELS]
        ours = SmoothedCrossEntropy(0.25)(LABELS, self.LOGITS)
        np.testing.assert_allclose(ours, theirs(one_hot, self.LOGITS), rtol=1e-6)

    def test_it_survives_serialisation(self) -> None:
        loss = SmoothedCrossEntropy(0.25, reduction="sum", name="mine")
        again = keras.losses.deserialize(keras.losses.serialize(loss))
        assert type(again) is SmoothedCrossEntropy
        assert again.get_config() == loss.get_config()
        assert again.smoothing == 0.25

    def test_a_compiled_model_trains(self) -> None:
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(5)])
        model.compile(optimizer=keras.optimizers.SGD(0.5), loss=SmoothedCrossEntropy())
        rows = np.random.default_rng(2).normal(size=(4, 3)).astype(np.float32)
        history = model.fit(rows, LABELS, epochs=10, verbose=0).history["loss"]
        assert history[-1] < 0.8 * history[0]


def test_the_head_is_linear() -> None:
    objective = Softmax(3, 2, smoothing=0.3)
    kernel, bias = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]]), np.array([0.25, 0.0, -1.0])
    objective.set_weights([kernel, bias])
    features = np.array([[2.0, 1.0], [-1.0, 0.5], [0.0, 4.0], [1.0, 1.0]], np.float32)
    logits = features @ kernel + bias
    np.testing.assert_allclose(objective.logits(features), logits, rtol=1e-6)
    np.testing.assert_allclose(
        objective.terms(features, LABELS)["cross_entropy"], naive_cross_entropy(LABELS, logits, 0.3), rtol=1e-5
    )
