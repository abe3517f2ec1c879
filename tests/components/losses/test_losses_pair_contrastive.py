import math
from typing import Any

import numpy as np
import pytest

from components.losses.contrastive import supervised_contrastive
from components.losses.pair_contrastive import PairContrastive, pair_contrastive
from components.losses.pairs_objective import pairs_within
from tests.components.losses.gradients import value_and_gradient

POSITIVE = np.array([[1, 0, 0, 1, 0], [0, 1, 0, 0, 0], [1, 0, 1, 1, 0]])


def naive_contrastive(positive: Any, scores: Any, temperature: float) -> list[float]:
    losses = []
    for row in range(len(scores)):
        whole = sum(math.exp(score / temperature) for score in scores[row])
        right = [math.exp(s / temperature) for s, p in zip(scores[row], positive[row], strict=True) if p]
        losses.append(sum(-math.log(e / whole) for e in right) / len(right))
    return losses


@pytest.mark.parametrize("temperature", [0.1, 1.5])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_equals_the_naive_loop(temperature: float, seed: int) -> None:
    scores = np.random.default_rng(seed).uniform(-1, 1, POSITIVE.shape)
    losses = pair_contrastive(POSITIVE, scores, temperature=temperature)
    np.testing.assert_allclose(losses, naive_contrastive(POSITIVE, scores, temperature), rtol=1e-9)


def test_literal_values() -> None:
    losses = pair_contrastive([[1, 0, 0], [0, 1, 1]], [[1.0, 0.0, 0.0], [0.0, 0.5, -0.5]], temperature=0.5).numpy()
    whole = math.log(math.exp(0) + math.exp(1) + math.exp(-1))
    np.testing.assert_allclose(losses, [math.log(1 + 2 * math.exp(-2)), whole - (1 - 1) / 2], rtol=1e-6)
    np.testing.assert_allclose(losses, [0.2395447, 1.4076059], rtol=1e-6)


def test_between_the_rows_of_a_batch_it_is_the_classifiers() -> None:
    labels, features = np.array([1, 0, 2, 1, 1, 0]), np.random.default_rng(3).normal(size=(6, 4))
    expected = supervised_contrastive(labels, features, temperature=0.3)
    losses = pair_contrastive(*pairs_within(labels, features), temperature=0.3)
    np.testing.assert_allclose(losses, expected, rtol=1e-9)
    assert losses.numpy().max() > 1


def test_a_positive_above_its_equals_is_lowered() -> None:
    _, gradient = value_and_gradient(
        lambda positive, scores: pair_contrastive(positive, scores, temperature=0.1),
        [[1, 1, 0]],
        np.array([[0.9, 0.1, 0.0]]),
    )
    assert gradient[0, 0] > 0 > gradient[0, 1]
    assert gradient[0, 2] > 0


def test_a_wrong_temperature_is_refused() -> None:
    with pytest.raises(ValueError, match="temperature is 0: it must be above 0"):
        pair_contrastive(np.eye(2), np.eye(2), temperature=0)
    with pytest.raises(ValueError, match="temperature is -1: it must be above 0"):
        PairContrastive(-1)
