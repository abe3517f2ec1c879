import math
from typing import Any

import numpy as np
import pytest

from components.losses.ranking import MultipleNegativesRanking, multiple_negatives_ranking


def naive_ranking(positive: Any, scores: Any, scale: float) -> list[float]:
    losses = []
    for row in range(len(scores)):
        against = sum(math.exp(scale * s) for s, p in zip(scores[row], positive[row], strict=True) if not p)
        right = [math.exp(scale * s) for s, p in zip(scores[row], positive[row], strict=True) if p]
        losses.append(sum(-math.log(e / (e + against)) for e in right) / len(right))
    return losses


@pytest.mark.parametrize("scale", [0.5, 20.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_equals_the_naive_loop(scale: float, seed: int) -> None:
    positive = np.array([[1, 0, 0, 1, 0], [0, 1, 0, 0, 0], [1, 0, 1, 1, 0]])
    scores = np.random.default_rng(seed).uniform(-1, 1, positive.shape)
    losses = multiple_negatives_ranking(positive, scores, scale=scale)
    np.testing.assert_allclose(losses, naive_ranking(positive, scores, scale), rtol=1e-9)


def test_literal_values() -> None:
    questions, candidates = np.array([[1.0, 2, 3], [2, 3, 4]]), np.array([[1.0, 1, 1], [1, 1, 0]])
    losses = multiple_negatives_ranking(np.eye(2), questions @ candidates.T, scale=1.0).numpy()
    sigmoid_3, sigmoid_4 = 1 / (1 + math.exp(-3)), 1 / (1 + math.exp(-4))
    np.testing.assert_allclose(losses, [-math.log(sigmoid_3), -math.log(1 - sigmoid_4)], rtol=1e-9)
    np.testing.assert_allclose(losses, [0.04858735, 4.01814993], rtol=1e-6)


def test_a_collapsed_batch_costs_the_logarithm_of_its_size() -> None:
    losses = multiple_negatives_ranking(np.eye(4, 5), np.full((4, 5), 0.6))
    np.testing.assert_allclose(losses, [math.log(5)] * 4, rtol=1e-9)


def test_large_scales_do_not_overflow() -> None:
    scores = np.array([[1.0, -1.0, 0.5], [1.0, -1.0, 0.5], [-1.0, -0.75, -1.0]], np.float32)
    losses = multiple_negatives_ranking([[1, 0, 0], [0, 1, 0], [1, 0, 1]], scores, scale=1000.0)
    np.testing.assert_allclose(losses, [0.0, 2000.0, 250.0], rtol=1e-6)


@pytest.mark.parametrize("scale", [0, -20, float("nan")])
def test_a_wrong_scale_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match=f"scale is {scale!r}: it must be above 0"):
        multiple_negatives_ranking(np.eye(2), np.eye(2), scale=scale)
    with pytest.raises(ValueError, match=f"scale is {scale!r}: it must be above 0"):
        MultipleNegativesRanking(scale=scale)
