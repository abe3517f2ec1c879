from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.losses.center import CenterLoss, SoftmaxWithCenters, center_distance, moved_centers

LABELS = np.array([2, 0, 2, 2, 1])  # of four classes: one twice and more, two once, one never


def random_rows(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features `[5, 3]` and centres `[4, 3]`."""
    generator = np.random.default_rng(seed)
    return generator.normal(size=(5, 3)), generator.normal(size=(4, 3)) + 1


def naive_distance(labels: Any, features: Any, centers: Any) -> list[float]:
    pairs = zip(labels, features, strict=True)
    return [sum((x - c) ** 2 for x, c in zip(row, centers[label], strict=True)) for label, row in pairs]


def naive_move(labels: Any, features: Any, centers: Any, rate: float) -> np.ndarray:
    moved = centers.copy()
    for j in range(len(centers)):
        own = [row for label, row in zip(labels, features, strict=True) if label == j]
        for d in range(centers.shape[1]):
            moved[j, d] -= rate * sum(centers[j, d] - row[d] for row in own) / (1 + len(own))
    return moved


@pytest.mark.parametrize("seed", [0, 1])
def test_distances_equal_the_naive_loop(seed: int) -> None:
    features, centers = random_rows(seed)
    losses = center_distance(LABELS, features, centers)
    np.testing.assert_allclose(losses, naive_distance(LABELS, features, centers), rtol=1e-9)


def test_gradients_of_features_and_centres() -> None:
    features, centers = random_rows(2)
    variables = [tf.Variable(features), tf.Variable(centers)]
    with tf.GradientTape() as tape:
        losses = center_distance(LABELS, *variables)
    of_features, of_centers = (tf.convert_to_tensor(g).numpy() for g in tape.gradient(losses, variables))
    np.testing.assert_allclose(of_features, 2 * (features - centers[LABELS]), rtol=1e-9)
    expected = np.zeros_like(centers)
    for row, label in enumerate(LABELS):
        expected[label] += 2 * (centers[label] - features[row])
    np.testing.assert_allclose(of_centers, expected, rtol=1e-9, atol=1e-12)
    assert np.abs(of_centers[[0, 1, 2]]).min() > 1e-3
    np.testing.assert_array_equal(of_centers[3], 0)


@pytest.mark.parametrize("rate", [0.05, 0.5, 1.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_move_equals_the_naive_loop(rate: float, seed: int) -> None:
    features, centers = random_rows(seed)
    moved = moved_centers(LABELS, features, centers, rate=rate)
    np.testing.assert_allclose(moved, naive_move(LABELS, features, centers, rate), rtol=1e-9)
    np.testing.assert_array_equal(moved[3], centers[3])


def test_literal_moves() -> None:
    def moved(rows: int, rate: float) -> float:  # a centre at 6, `rows` features at 0
        return moved_centers([1] * rows, np.zeros((rows, 1)), [[9.0], [6.0]], rate=rate).numpy()[1, 0]

    assert moved(1, 1.0) == pytest.approx(3)
    assert moved(2, 1.0) == pytest.approx(2)
    assert moved(2, 0.5) == pytest.approx(4)
    assert moved(59, 1.0) == pytest.approx(0.1)


@pytest.mark.parametrize("rate", [0, -0.5, 1.01, float("nan")])
def test_a_wrong_rate_is_refused(rate: float) -> None:
    message = f"rate is {rate!r}: it must be above 0 and at most 1"
    with pytest.raises(ValueError, match=message):
        moved_centers(LABELS, *random_rows(0), rate=rate)
    with pytest.raises(ValueError, match=message):
        CenterLoss(4, 3, rate=rate)
    with pytest.raises(ValueError, match=message):
        SoftmaxWithCenters(4, 3, rate=rate)


@pytest.mark.parametrize("weight", [-0.1, float("nan")])
def test_a_wrong_weight_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match=f"weight is {weight!r}: it must be at least 0"):
        SoftmaxWithCenters(4, 3, weight=weight)


class TestCenterLoss:
    def layer(self, rate: float | None) -> CenterLoss:
        layer = CenterLoss(4, 3, rate=rate)
        layer.centers.assign(random_rows(3)[1])
        return layer

    @pytest.mark.parametrize("traced", [False, True])
    def test_without_a_rate_only_gradients_move_the_centres(self, traced: bool) -> None:
        layer, (features, centers) = self.layer(None), random_rows(3)
        call = tf.function(layer) if traced else layer
        with tf.GradientTape() as tape:
            losses = call(features, LABELS, training=True)
        np.testing.assert_allclose(losses, naive_distance(LABELS, features, centers), rtol=1e-5)
        np.testing.assert_allclose(layer.centers, centers, rtol=1e-6)
        assert [variable.name for variable in layer.trainable_variables] == ["centers"]
        gradient = tf.convert_to_tensor(tape.gradient(losses, layer.centers.value))
        assert np.abs(gradient[2]).max() > 1

    @pytest.mark.parametrize("traced", [False, True])
    def test_with_a_rate_only_training_moves_the_centres(self, traced: bool) -> None:
        layer, (features, centers) = self.layer(0.5), random_rows(3)
        call = tf.function(layer) if traced else layer
        assert layer.trainable_variables == []
        call(features, LABELS)
        call(features, LABELS, training=False)
        np.testing.assert_allclose(layer.centers, centers, rtol=1e-6)
        for _ in range(2):  # each loss is to the centres before their move
            losses = call(features, LABELS, training=True)
            np.testing.assert_allclose(losses, naive_distance(LABELS, features, centers), rtol=1e-5)
            centers = naive_move(LABELS, features, centers, 0.5)
            np.testing.assert_allclose(layer.centers, centers, rtol=1e-5)

    def test_the_move_changes_no_gradient_of_the_features(self) -> None:
        features, centers = random_rows(3)
        point = tf.constant(features, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(point)
            losses = self.layer(0.5)(point, LABELS, training=True)
        np.testing.assert_allclose(tape.gradient(losses, point), 2 * (features - centers[LABELS]), rtol=1e-5)

    def test_moves_end_at_the_means_of_the_classes(self) -> None:
        layer, (features, centers) = self.layer(1.0), random_rows(3)
        for _ in range(40):
            layer(features, LABELS, training=True)
        means = [features[1], features[4], features[[0, 2, 3]].mean(axis=0), centers[3]]
        np.testing.assert_allclose(layer.centers, means, rtol=1e-5)


def test_the_objective_adds_the_weighted_distance_to_the_cross_entropy() -> None:
    objective, (features, centers) = SoftmaxWithCenters(4, 3, weight=0.7), random_rows(5)
    objective.center_loss.centers.assign(centers)
    objective.head.set_weights([np.zeros((3, 4)), np.zeros(4)])
    terms = objective.terms(features, LABELS)
    distances = naive_distance(LABELS, features, centers)
    np.testing.assert_allclose(terms["center"], distances, rtol=1e-5)
    np.testing.assert_allclose(objective.total(terms), np.log(4) + 0.7 * np.mean(distances), rtol=1e-5)
