import math
from typing import Any

import numpy as np
import pytest

from components.losses.circle import Circle, circle
from components.losses.schedules import Growth
from tests.components.losses.gradients import value_and_gradient

POSITIVE = np.array([[1, 0, 0, 1, 0], [0, 1, 0, 0, 0], [1, 0, 1, 1, 0]])


def naive_circle(positive: Any, scores: Any, margin: float, scale: float) -> list[float]:
    losses = []
    for row in range(len(scores)):
        short = over = 0.0
        for score, right in zip(scores[row], positive[row], strict=True):
            if right:
                short += math.exp(-scale * max(1 + margin - score, 0) * (score - (1 - margin)))
            else:
                over += math.exp(scale * max(score + margin, 0) * (score - margin))
        losses.append(math.log(1 + short * over))
    return losses


def naive_gradient(positive: Any, scores: Any, margin: float, scale: float) -> np.ndarray:
    """The paper's equation 10: the weights are not derived."""
    gradient = np.zeros_like(scores)
    for row, loss in enumerate(naive_circle(positive, scores, margin, scale)):
        outer = 1 - math.exp(-loss)
        for kind in (0, 1):
            columns = [column for column in range(len(scores[row])) if positive[row][column] == kind]
            aim, far, sign = (1 - margin, 1 + margin, -1) if kind else (margin, -margin, 1)
            weights = [max(sign * (scores[row][column] - far), 0) for column in columns]
            terms = [
                math.exp(sign * scale * weight * (scores[row][column] - aim))
                for column, weight in zip(columns, weights, strict=True)
            ]
            for column, weight, term in zip(columns, weights, terms, strict=True):
                gradient[row, column] = sign * outer * scale * weight * term / sum(terms)
    return gradient


@pytest.mark.parametrize(("margin", "scale"), [(0.25, 4.0), (0.4, 16.0)])
@pytest.mark.parametrize("seed", [0, 1])
def test_value_and_gradient_equal_the_naive_loop(margin: float, scale: float, seed: int) -> None:
    scores = np.random.default_rng(seed).uniform(-1, 1, POSITIVE.shape)
    losses, gradient = value_and_gradient(
        lambda positive, values: circle(positive, values, margin=margin, scale=scale), POSITIVE, scores
    )
    np.testing.assert_allclose(losses, naive_circle(POSITIVE, scores, margin, scale), rtol=1e-9)
    np.testing.assert_allclose(gradient, naive_gradient(POSITIVE, scores, margin, scale), rtol=1e-9, atol=1e-12)
    assert np.abs(gradient).max() > 1


def test_literal_values() -> None:
    positive, scores = np.eye(2), np.array([[1.0, 0.0], [0.0, 0.5]])
    losses = circle(positive, scores, margin=0.5, scale=2.0).numpy()
    # A pair at its aim counts e^(-2 · 0.5 · 0.5) = e^(-1/2); the second row's positive, at 1 - margin, counts 1.
    np.testing.assert_allclose(losses, [math.log(1 + math.exp(-1)), math.log(1 + math.exp(-0.5))], rtol=1e-9)
    np.testing.assert_allclose(losses, [0.31326169, 0.47407698], rtol=1e-7)


def test_large_scales_do_not_overflow() -> None:
    scores = np.array([[-1.0, 1.0], [1.0, -1.0]], np.float32)
    losses = circle(np.eye(2), scores, margin=0.25, scale=256.0).numpy()
    # 256 · (2.25 · 1.75 + 1.25 · 0.75) for the one, and the other way round the same
    np.testing.assert_allclose(losses, [1248.0, 1248.0], rtol=1e-6)
    assert circle(np.eye(2), np.eye(2, dtype=np.float32), scale=256.0).numpy().max() < 1e-6


@pytest.mark.parametrize("margin", [0, 1, -0.5, float("nan")])
def test_a_wrong_margin_is_refused(margin: float) -> None:
    message = f"margin is {margin!r}: it must be above 0 and below 1"
    with pytest.raises(ValueError, match=message):
        circle(np.eye(2), np.eye(2), margin=margin)
    with pytest.raises(ValueError, match=message):
        Circle(margin)
    with pytest.raises(ValueError, match=message):
        Circle(Growth(0.1, margin, steps=3))


@pytest.mark.parametrize("scale", [0, -2, float("nan")])
def test_a_wrong_scale_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match=f"scale is {scale!r}: it must be above 0"):
        Circle(scale=scale)
