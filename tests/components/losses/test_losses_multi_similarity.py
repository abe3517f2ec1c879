import math
from typing import Any

import numpy as np
import pytest

from components.losses.multi_similarity import MultiSimilarity, mined, multi_similarity
from components.losses.pairs import as_pairs
from tests.components.losses.gradients import finite_differences, value_and_gradient

POSITIVE = np.array([[1, 0, 0, 1, 0], [0, 1, 0, 0, 0], [1, 0, 1, 1, 0]])


def naive_multi_similarity(
    positive: Any, scores: Any, *, pull: float, push: float, threshold: float, slack: float
) -> list[float]:
    losses = []
    for row in range(len(scores)):
        right = [s for s, p in zip(scores[row], positive[row], strict=True) if p]
        wrong = [s for s, p in zip(scores[row], positive[row], strict=True) if not p]
        short = [s for s in right if s < max(wrong) + slack]
        over = [s for s in wrong if s > min(right) - slack]
        loss = math.log(1 + sum(math.exp(-pull * (s - threshold)) for s in short)) / pull
        losses.append(loss + math.log(1 + sum(math.exp(push * (s - threshold)) for s in over)) / push)
    return losses


@pytest.mark.parametrize("slack", [0.0, 0.1, 0.6])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_value_and_gradient_equal_the_naive_loop(slack: float, seed: int) -> None:
    def loss(positive: Any, scores: Any) -> Any:
        return multi_similarity(positive, scores, pull=2.0, push=10.0, threshold=0.3, slack=slack)

    scores = np.random.default_rng(seed).uniform(-1, 1, POSITIVE.shape)
    losses, gradient = value_and_gradient(loss, POSITIVE, scores)
    expected = naive_multi_similarity(POSITIVE, scores, pull=2.0, push=10.0, threshold=0.3, slack=slack)
    np.testing.assert_allclose(losses, expected, rtol=1e-9)
    np.testing.assert_allclose(gradient, finite_differences(loss, POSITIVE, scores), atol=1e-6)
    assert np.abs(gradient).max() > 0.1


def test_literal_values() -> None:
    scores = [[0.5, 0.5, -0.9], [-0.5, 0.9, -0.4]]
    losses = multi_similarity([[1, 0, 0], [0, 1, 0]], scores, pull=2.0, push=50.0, threshold=0.5).numpy()
    # Row 0: one positive and one negative at the threshold, ln 2 of each; the rest is too easy.
    np.testing.assert_allclose(losses, [math.log(2) / 2 + math.log(2) / 50, 0.0], rtol=1e-6)
    np.testing.assert_allclose(losses, [0.36043653, 0.0], rtol=1e-6)


def test_mining_keeps_what_lies_within_the_slack() -> None:
    pairs = mined(as_pairs([[1, 1, 0, 0, 0]], [[0.9, 0.4, 0.35, 0.25, 0.6]]), slack=0.1)
    np.testing.assert_array_equal(pairs.positive, [[False, True, False, False, False]])  # 0.4 < 0.6 + 0.1
    np.testing.assert_array_equal(pairs.negative, [[False, False, True, False, True]])  # 0.25 < 0.4 - 0.1


def test_large_weights_do_not_overflow() -> None:
    losses = multi_similarity(np.eye(2), np.array([[-1, 1], [-1, 1]], np.float32), pull=1000, push=1000, threshold=0)
    np.testing.assert_allclose(losses, [2.0, 0.0], rtol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"pull": 0}, "pull is 0: it must be above 0"),
        ({"push": -1.5}, "push is -1.5: it must be above 0"),
        ({"slack": -0.1}, "slack is -0.1: it must be at least 0"),
        ({"slack": float("nan")}, "slack is nan: it must be at least 0"),
    ],
)
def test_wrong_arguments_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        multi_similarity(np.eye(2), np.eye(2), **wrong)
    with pytest.raises(ValueError, match=message):
        MultiSimilarity(**wrong)
