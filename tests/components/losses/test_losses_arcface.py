import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.losses.arcface import ArcFace, additive_angular_margin
from components.losses.scores import cosine_scores

LABELS = np.array([2, 0, 0, 1])


def naive_margin(labels: Any, cosines: Any, margin: float) -> np.ndarray:
    lowered = cosines.copy()
    for row, label in enumerate(labels):
        angle = math.acos(cosines[row, label])
        past = angle + margin > math.pi
        lowered[row, label] = math.cos(angle) - margin * math.sin(margin) if past else math.cos(angle + margin)
    return lowered


@pytest.mark.parametrize("margin", [0.0, 0.5, 1.5])
@pytest.mark.parametrize("seed", range(4))
def test_it_equals_the_naive_loop(margin: float, seed: int) -> None:
    cosines = np.random.default_rng(seed).uniform(-1, 1, (4, 5))
    lowered = additive_angular_margin(LABELS, cosines, margin=margin)
    np.testing.assert_allclose(lowered, naive_margin(LABELS, cosines, margin), rtol=1e-9, atol=1e-12)
    others = np.ones((4, 5), bool)
    others[range(4), LABELS] = False
    np.testing.assert_array_equal(lowered[others], cosines[others])


def test_literal_values() -> None:
    def lowered(degrees: float, margin: float) -> float:
        cosine = math.cos(math.radians(degrees))
        return additive_angular_margin([1], np.array([[0.3, cosine]]), margin=math.radians(margin)).numpy()[0, 1]

    assert lowered(60, 30) == pytest.approx(0, abs=1e-12)
    assert lowered(0, 60) == pytest.approx(0.5)
    assert lowered(120, 60) == pytest.approx(-1)
    assert lowered(180, 30) == pytest.approx(-1 - math.pi / 6 * 0.5)


@pytest.mark.parametrize("margin", [0.1, 0.5, 1.5])
def test_the_larger_the_angle_the_lower(margin: float) -> None:
    cosines = np.cos(np.linspace(0, math.pi, 400))[:, None]
    lowered = additive_angular_margin(np.zeros(400), cosines, margin=margin).numpy()[:, 0]
    assert (np.diff(lowered) < 0).all()
    assert (lowered < cosines[:, 0]).all()


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cosine", [1.0, 1 + 2e-7, 1 - 1e-7, 0.0, -1.0, -1 - 2e-7, -1 + 1e-7])
def test_the_ends_have_a_finite_gradient(cosine: float, dtype: type, compiled: bool) -> None:
    @tf.function(jit_compile=compiled)  # XLA multiplies an infinite gradient by 0 where TensorFlow leaves it out
    def value_and_gradient(cosines: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(cosines)
            lowered = additive_angular_margin([1], cosines)[0, 1]
        return lowered, tape.gradient(lowered, cosines)

    lowered, gradient = value_and_gradient(tf.constant([[0.2, cosine]], dtype))
    expected = math.cos(0.5) if cosine > 0.5 else -1 - 0.5 * math.sin(0.5) if cosine < -0.5 else -math.sin(0.5)
    np.testing.assert_allclose(lowered, expected, atol=1e-6)
    assert gradient[0, 0] == 0
    assert 0.5 < gradient[0, 1] < 2


@pytest.mark.parametrize("margin", [-0.1, math.pi / 2, 28.6, float("nan")])
def test_a_wrong_margin_is_refused(margin: float) -> None:
    message = f"margin is {margin!r}: it must be at least 0 and below π / 2, in radians"
    with pytest.raises(ValueError, match=message):
        additive_angular_margin([0], np.eye(1, 2), margin=margin)
    with pytest.raises(ValueError, match=message):
        ArcFace(2, 3, margin=margin)


@pytest.mark.parametrize("scale", [0, -30, float("nan")])
def test_a_wrong_scale_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match=f"scale is {scale!r}: it must be above 0"):
        ArcFace(2, 3, scale=scale)


class TestObjective:
    DIRECTIONS = np.array([[3.0, 4.0], [-2.0, 0.0], [0.0, 0.5]])
    FEATURES = np.array([[1.0, 2.0], [6.0, 8.0], [-0.3, -0.1], [0.0, 0.0]], np.float32)

    def objective(self, margin: float = 0.5) -> ArcFace:
        objective = ArcFace(3, 2, scale=8.0, margin=margin)
        objective.set_weights([self.DIRECTIONS])
        return objective

    def test_logits_are_scaled_cosines_without_margin(self) -> None:
        logits = self.objective().logits(self.FEATURES)
        np.testing.assert_allclose(logits[1], [8.0, -4.8, 6.4], rtol=1e-6)
        np.testing.assert_array_equal(logits[3], [0, 0, 0])

    def test_the_term_has_the_margin_on_the_label(self) -> None:
        lowered = 8.0 * naive_margin(LABELS, np.clip(cosine_scores(self.FEATURES, self.DIRECTIONS), -1, 1), 0.5)
        expected = np.log(np.exp(lowered).sum(axis=1)) - lowered[range(4), LABELS]
        losses = self.objective().terms(self.FEATURES, LABELS)["cross_entropy"]
        np.testing.assert_allclose(losses, expected, rtol=1e-4)
        assert (losses.numpy() > self.objective(margin=0.0).terms(self.FEATURES, LABELS)["cross_entropy"].numpy()).all()

    def test_a_feature_on_its_direction_or_against_it_has_a_finite_gradient(self) -> None:
        objective, features = self.objective(), tf.constant([[0.0, 7.0], [3.0, 4.0], [-3.0, -4.0], [1.0, 0.0]])
        with tf.GradientTape() as tape:
            tape.watch(features)
            total = objective.total(objective.terms(features, LABELS))
        for gradient in tape.gradient(total, [features, objective.directions.value]):
            assert np.isfinite(gradient).all()
            assert np.abs(gradient).max() < 100
