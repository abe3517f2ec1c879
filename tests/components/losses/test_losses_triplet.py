import math
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.losses.negatives import select_negatives
from components.losses.triplet import CosineTriplet, cosine_triplet

POSITIVE = np.array([[1, 0, 0, 1, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0]])


def naive_triplet(positive: Any, scores: Any, weights: Any, margin: float | str) -> list[float]:
    losses = []
    for row in range(len(scores)):
        right = [s for s, p in zip(scores[row], positive[row], strict=True) if p]
        target, total = sum(right) / len(right), 0.0
        for column, weight in enumerate(weights[row]):
            gap = scores[row][column] - target
            total += weight * (math.log(1 + math.exp(gap)) if margin == "soft" else max(0.0, margin + gap))
        losses.append(total)
    return losses


@pytest.mark.parametrize("margin", [0.1, 0.7, "soft"])
@pytest.mark.parametrize("negatives", ["random", "all", "hardest", "semi_hard"])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_equals_the_naive_loop(margin: Any, negatives: Any, seed: int) -> None:
    scores = np.random.default_rng(seed).uniform(-1, 1, POSITIVE.shape)
    weights = select_negatives(scores, POSITIVE, negatives, seed=4).numpy()
    losses = cosine_triplet(POSITIVE, scores, margin=margin, negatives=negatives, seed=4)
    np.testing.assert_allclose(losses, naive_triplet(POSITIVE, scores, weights, margin), rtol=1e-9)


@pytest.mark.parametrize("negatives", ["random", "all", "hardest", "semi_hard"])
def test_literal_values(negatives: Any) -> None:
    perfect, collapsed, positive = np.eye(4), np.full((4, 4), 0.6), np.eye(4)

    def loss(scores: np.ndarray, margin: Any) -> np.ndarray:
        return cosine_triplet(positive, scores, margin=margin, negatives=negatives).numpy()

    np.testing.assert_allclose(loss(perfect, "soft"), [0.31326169] * 4, rtol=1e-7)
    np.testing.assert_allclose(loss(perfect, 1.1), [0.1] * 4, rtol=1e-9)
    np.testing.assert_allclose(loss(perfect, 0.9), [0.0] * 4)
    np.testing.assert_allclose(loss(collapsed, "soft"), [math.log(2)] * 4, rtol=1e-9)
    np.testing.assert_allclose(loss(collapsed, 1.0), [1.0] * 4)


def test_each_strategy_on_one_row() -> None:
    positive, scores = [[0, 1, 0, 0, 0]], [[0.9, 0.5, 0.45, -0.2, 0.45]]

    def loss(negatives: Any) -> float:
        return cosine_triplet(positive, scores, margin=0.1, negatives=negatives).numpy().item()

    assert loss("hardest") == pytest.approx(0.5)
    assert loss("semi_hard") == pytest.approx(0.05)
    assert loss("all") == pytest.approx((0.5 + 0.05 + 0 + 0.05) / 4)


def test_random_negatives_change_from_step_to_step_and_follow_the_seed() -> None:
    scores = tf.constant(np.random.default_rng(0).uniform(-1, 1, (3, 5)), tf.float32)

    def steps(loss: CosineTriplet) -> list[list[float]]:
        step = tf.function(lambda: loss(POSITIVE, scores))
        return [step().numpy().tolist() for _ in range(10)]

    first = steps(CosineTriplet("soft", seed=1, reduction=None))
    assert len(set(map(tuple, first))) > 3
    assert steps(CosineTriplet("soft", seed=1, reduction=None)) == first
    assert steps(CosineTriplet("soft", seed=2, reduction=None)) != first

    unseeded = []
    for _ in range(2):
        keras.utils.set_random_seed(7)
        unseeded.append(steps(CosineTriplet("soft", reduction=None)))
    assert unseeded[0] == unseeded[1]
    assert unseeded[0] != steps(CosineTriplet("soft", reduction=None))


@pytest.mark.parametrize("margin", [0, -1, float("nan"), "hard"])
def test_a_wrong_margin_is_refused(margin: Any) -> None:
    message = f"margin is {margin!r}: it must be a number above 0 or 'soft'"
    with pytest.raises(ValueError, match=message):
        cosine_triplet(POSITIVE, np.ones((3, 5)), margin=margin)
    with pytest.raises(ValueError, match=message):
        CosineTriplet(margin=margin)


def test_a_wrong_strategy_is_refused() -> None:
    with pytest.raises(ValueError, match="negatives is 'hard': it must be one of 'random', 'all', 'hardest'"):
        CosineTriplet(negatives="hard")  # type: ignore[arg-type]
