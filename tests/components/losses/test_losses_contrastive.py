import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.losses.contrastive import SoftmaxWithContrast, supervised_contrastive

LABELS = np.array([7, 3, 7, 7, 3, 0])  # three, two, and one alone


def naive_contrastive(labels: Any, features: Any, temperature: float) -> list[float]:
    unit = [row / math.sqrt(float(row @ row)) for row in features]
    losses = []
    for i in range(len(labels)):
        others = [a for a in range(len(labels)) if a != i]
        whole = sum(math.exp(float(unit[i] @ unit[a]) / temperature) for a in others)
        costs = [
            -math.log(math.exp(float(unit[i] @ unit[p]) / temperature) / whole)
            for p in others
            if labels[p] == labels[i]
        ]
        losses.append(sum(costs) / len(costs) if costs else 0.0)
    return losses


@pytest.mark.parametrize("temperature", [0.1, 0.7])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_equals_the_naive_loop(temperature: float, seed: int) -> None:
    features = np.random.default_rng(seed).normal(size=(6, 3)) * [[1], [5], [0.1], [2], [3], [1]]
    losses = supervised_contrastive(LABELS, features, temperature=temperature)
    np.testing.assert_allclose(losses, naive_contrastive(LABELS, features, temperature), rtol=1e-9)
    assert (losses.numpy()[:5] > 0).all()
    assert losses.numpy()[5] == 0


def test_literal_values() -> None:
    rows = [[2.0, 0.0], [0.5, 0.0], [0.0, 1.0], [0.0, -3.0]]
    losses = supervised_contrastive([1, 1, 2, 2], rows, temperature=0.5)
    apart = [math.log(1 + 2 * math.exp(-2))] * 2  # the positive at cosine 1, two negatives at 0
    opposite = [math.log(1 + 2 * math.exp(2))] * 2  # the positive at cosine -1, two negatives at 0
    np.testing.assert_allclose(losses, apart + opposite, rtol=1e-6)
    np.testing.assert_allclose(losses, [0.2395447, 0.2395447, 2.7586236, 2.7586236], rtol=1e-6)


def test_the_average_over_positives_is_outside_the_logarithm() -> None:
    rows = [[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]]  # a positive at cosine 1 and one at -1: L_in would give 0.0
    losses = supervised_contrastive([4, 4, 4], rows, temperature=1.0)
    whole = math.log(math.exp(1) + math.exp(-1))
    np.testing.assert_allclose(losses, [whole, whole, math.log(2)], rtol=1e-6)


@pytest.mark.parametrize("labels", [[1, 1, 1, 1, 1], [1, 1, 2, 2, 2]])
def test_a_collapsed_batch_costs_the_logarithm_of_its_other_rows(labels: list[int]) -> None:
    np.testing.assert_allclose(supervised_contrastive(labels, np.full((5, 3), 0.6)), [math.log(4)] * 5, rtol=1e-9)


@pytest.mark.parametrize("labels", [[3], [3, 1, 0]])
def test_rows_without_a_positive_cost_nothing(labels: list[int]) -> None:
    features = tf.constant(np.random.default_rng(2).normal(size=(len(labels), 4)))
    with tf.GradientTape() as tape:
        tape.watch(features)
        losses = supervised_contrastive(labels, features)
    np.testing.assert_array_equal(losses, np.zeros(len(labels)))
    np.testing.assert_array_equal(tape.gradient(losses, features), np.zeros((len(labels), 4)))


def test_small_temperatures_do_not_overflow() -> None:
    rows = np.array([[1, 0], [-1, 0], [1, 0], [0, 1]], np.float32)
    losses = supervised_contrastive([0, 0, 1, 1], rows, temperature=1e-3)
    np.testing.assert_allclose(losses, [2000, 1000, 1000, math.log(3)], rtol=1e-6)


@pytest.mark.parametrize("temperature", [0, -0.1, float("nan")])
def test_a_wrong_temperature_is_refused(temperature: float) -> None:
    message = f"temperature is {temperature!r}: it must be above 0"
    with pytest.raises(ValueError, match=message):
        supervised_contrastive([0, 0], np.eye(2), temperature=temperature)
    with pytest.raises(ValueError, match=message):
        SoftmaxWithContrast(2, 2, temperature=temperature)


def test_a_wrong_weight_is_refused() -> None:
    with pytest.raises(ValueError, match=r"weight is -1: it must be at least 0"):
        SoftmaxWithContrast(2, 2, weight=-1)


def test_the_objective_adds_the_weighted_contrast_to_the_cross_entropy() -> None:
    objective = SoftmaxWithContrast(8, 3, temperature=0.4, weight=0.3)
    objective.head.set_weights([np.zeros((3, 8)), np.zeros(8)])
    features = np.random.default_rng(5).normal(size=(6, 3))
    expected = naive_contrastive(LABELS, features, 0.4)
    terms = objective.terms(features, LABELS)
    np.testing.assert_allclose(terms["contrastive"], expected, rtol=1e-4)
    np.testing.assert_allclose(objective.total(terms), np.log(8) + 0.3 * np.mean(expected), rtol=1e-4)
