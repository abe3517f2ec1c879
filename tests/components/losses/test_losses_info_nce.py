import math
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.losses.info_nce import InfoNCE, info_nce
from components.losses.temperature import HIGHEST, LOWEST, Temperature

POSITIVE = np.array([[1, 0, 0, 1, 0], [0, 1, 0, 0, 0], [1, 0, 1, 1, 0]])


def naive_one_way(positive: Any, scores: Any, temperature: float) -> list[float]:
    losses = []
    for row in range(len(scores)):
        against = sum(math.exp(s / temperature) for s, p in zip(scores[row], positive[row], strict=True) if not p)
        right = [math.exp(s / temperature) for s, p in zip(scores[row], positive[row], strict=True) if p]
        comparable = right and against
        losses.append(sum(-math.log(e / (e + against)) for e in right) / len(right) if comparable else 0.0)
    return losses


def naive_info_nce(positive: Any, scores: Any, temperature: float, *, symmetric: bool) -> list[float]:
    rows = naive_one_way(positive, scores, temperature)
    if not symmetric:
        return rows
    columns = naive_one_way(np.transpose(positive), np.transpose(scores), temperature)
    losses = []
    for row, loss in enumerate(rows):
        of_positives = [columns[column] for column, right in enumerate(positive[row]) if right]
        losses.append((loss + sum(of_positives) / len(of_positives)) / 2)
    return losses


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("temperature", [0.05, 2.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_equals_the_naive_loop(*, symmetric: bool, temperature: float, seed: int) -> None:
    scores = np.random.default_rng(seed).uniform(-1, 1, POSITIVE.shape)
    losses = info_nce(POSITIVE, scores, temperature=temperature, symmetric=symmetric)
    expected = naive_info_nce(POSITIVE, scores, temperature, symmetric=symmetric)
    np.testing.assert_allclose(losses, expected, rtol=1e-9)


def test_literal_values() -> None:
    scores = np.array([[1.0, 0.0], [0.5, 0.5]])
    rows = [math.log(1 + math.exp(-2)), math.log(2)]
    columns = [math.log(1 + math.exp(-1)), math.log(1 + math.exp(-1))]
    np.testing.assert_allclose(info_nce(np.eye(2), scores, temperature=0.5, symmetric=False), rows, rtol=1e-9)
    both = info_nce(np.eye(2), scores, temperature=0.5).numpy()
    np.testing.assert_allclose(both, [(r + c) / 2 for r, c in zip(rows, columns, strict=True)], rtol=1e-9)
    np.testing.assert_allclose(both, [0.22009485, 0.50320444], rtol=1e-7)


def test_the_temperature_has_a_gradient() -> None:
    scores = np.random.default_rng(3).uniform(-1, 1, POSITIVE.shape)

    def total(temperature: Any) -> Any:
        return tf.reduce_sum(info_nce(POSITIVE, scores, temperature=temperature))

    temperature = tf.constant(0.3, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(temperature)
        loss = total(temperature)
    expected = (total(0.3 + 1e-6) - total(0.3 - 1e-6)) / 2e-6
    assert abs(expected) > 1
    np.testing.assert_allclose(tape.gradient(loss, temperature), expected, rtol=1e-6)


@pytest.mark.parametrize("first", [0.011, 0.05, 0.9])
def test_a_learnt_temperature_starts_where_it_is_told(first: float) -> None:
    np.testing.assert_allclose(Temperature(first).value(), first, rtol=1e-5)


@pytest.mark.parametrize("logit", [-200.0, 200.0])
def test_a_learnt_temperature_stays_within_its_bounds(logit: float) -> None:
    temperature = Temperature(0.2)
    temperature.logit.assign(logit)
    assert LOWEST * 0.999 <= temperature.value().numpy() <= HIGHEST * 1.001


class Scorer(keras.Model):
    """Scores that cannot change, and the parts of a loss."""

    def __init__(self, loss: InfoNCE) -> None:
        super().__init__()
        self.loss_parts = list(loss.parts)

    def call(self, scores: Any) -> Any:
        return tf.identity(scores)


@pytest.mark.parametrize(("right", "lower"), [(0.9, True), (0.1, False)])
def test_a_model_that_owns_it_trains_the_temperature(*, right: float, lower: bool) -> None:
    loss = InfoNCE(0.2)
    model = Scorer(loss)
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss=loss)
    scores = np.full((4, 4), 0.5, np.float32)
    np.fill_diagonal(scores, right)
    losses = model.fit(scores, np.eye(4), epochs=5, verbose=0).history["loss"]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]
    ((temperature),) = loss.parts
    # Where the order is right it pays to be sure of it, where it is wrong to doubt it.
    assert (temperature.value().numpy() < 0.19) == lower
    assert (temperature.value().numpy() > 0.21) != lower


def test_a_fixed_temperature_learns_nothing() -> None:
    assert not InfoNCE(5.0, learnt=False).parts


@pytest.mark.parametrize("temperature", [0, -1, float("nan")])
def test_a_wrong_temperature_is_refused(temperature: float) -> None:
    message = f"temperature is {temperature!r}: it must be above 0"
    with pytest.raises(ValueError, match=message):
        info_nce(np.eye(2), np.eye(2), temperature=temperature)
    with pytest.raises(ValueError, match=message):
        InfoNCE(temperature)
    with pytest.raises(ValueError, match=message):
        InfoNCE(temperature, learnt=False)


@pytest.mark.parametrize("temperature", [0.01, 1.0, 3])
def test_learning_starts_within_the_bounds(temperature: float) -> None:
    with pytest.raises(ValueError, match=f"temperature is {temperature!r}: to be learnt it must start between 0.01"):
        InfoNCE(temperature)
