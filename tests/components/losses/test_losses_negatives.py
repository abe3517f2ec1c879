from typing import Any, get_args

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.losses.negatives import select_negatives
from components.losses.settings import NegativeStrategy

POSITIVE = np.array([[1, 0, 0, 1, 0, 0], [0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]])
every_strategy = pytest.mark.parametrize("strategy", get_args(NegativeStrategy))


def naive_choice(scores: list[float], positive: list[int], strategy: str) -> int:
    """The column of the one negative that a strategy chooses."""
    right = [s for s, p in zip(scores, positive, strict=True) if p]
    target = sum(right) / len(right)
    wrong = [column for column, p in enumerate(positive) if not p]
    below = [column for column in wrong if scores[column] < target]
    if strategy == "hardest":
        return max(wrong, key=lambda column: scores[column])
    if below:
        return max(below, key=lambda column: scores[column])
    return min(wrong, key=lambda column: scores[column])


@pytest.mark.parametrize("strategy", ["hardest", "semi_hard"])
@pytest.mark.parametrize("seed", range(5))
def test_one_negative_equals_the_naive_loop(strategy: Any, seed: int) -> None:
    scores = np.random.default_rng(seed).uniform(-1, 1, POSITIVE.shape)
    expected = np.zeros(POSITIVE.shape)
    for row in range(len(scores)):
        expected[row, naive_choice(scores[row].tolist(), POSITIVE[row].tolist(), strategy)] = 1
    np.testing.assert_array_equal(select_negatives(scores, POSITIVE, strategy), expected)


def test_all_negatives_weigh_the_same() -> None:
    weights = select_negatives(np.zeros(POSITIVE.shape), POSITIVE, "all")
    np.testing.assert_allclose(weights[0], [0, 0.25, 0.25, 0, 0.25, 0.25])
    np.testing.assert_allclose(weights[1], [0.2, 0, 0.2, 0.2, 0.2, 0.2])


def test_semi_hard_is_just_below_the_positive_or_else_just_above() -> None:
    positive = [[1, 0, 0, 0]] * 5
    scores = [
        [0.5, 0.9, 0.4, 0.3],
        [0.5, 0.9, 0.6, 0.7],
        [0.5, 0.9, -0.9, -0.8],
        [0.5, 0.5, 0.6, 0.8],
        [0.5, 0.5, 0.4, 0.8],
    ]
    expected = [[0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0]]
    np.testing.assert_array_equal(select_negatives(scores, positive, "semi_hard"), expected)


@every_strategy
def test_rows_sum_to_one_and_positives_weigh_nothing(strategy: Any) -> None:
    positive = np.concatenate([POSITIVE, np.ones((1, 6)), np.zeros((1, 6))])
    scores = np.random.default_rng(3).uniform(-1, 1, positive.shape).astype(np.float16)
    weights = select_negatives(scores, positive, strategy, seed=0).numpy()
    np.testing.assert_allclose(weights.sum(axis=1), [1, 1, 1, 0, 0], rtol=1e-6)
    np.testing.assert_array_equal(weights[positive == 1], 0)
    assert weights.dtype == np.float32


@every_strategy
def test_graph_of_unknown_shape_compiled_by_xla_equals_eager(strategy: Any) -> None:
    compiled = tf.function(
        lambda scores, positive: select_negatives(scores, positive, strategy),
        input_signature=[tf.TensorSpec([None, None], tf.float32), tf.TensorSpec([None, None], tf.bool)],
        jit_compile=True,
    )
    scores = np.random.default_rng(4).uniform(-1, 1, POSITIVE.shape).astype(np.float32)
    weights = compiled(scores, POSITIVE.astype(bool)).numpy()
    if strategy == "random":
        assert (weights[POSITIVE == 0].max(), weights.sum()) == (1, len(POSITIVE))
    else:
        np.testing.assert_allclose(weights, select_negatives(scores, POSITIVE, strategy), rtol=1e-6)


def test_an_unknown_strategy_is_refused() -> None:
    with pytest.raises(ValueError, match="negatives is 'hard': it must be one of 'random', 'all', 'hardest', 'semi_"):
        select_negatives(POSITIVE, POSITIVE, "hard")  # type: ignore[arg-type]


class TestRandom:
    SCORES = np.zeros(POSITIVE.shape, np.float32)

    def draws(self, seed: Any, steps: int) -> np.ndarray:
        """`[steps, B]`, the columns drawn by the steps of one tf.function."""
        step = tf.function(lambda: select_negatives(self.SCORES, POSITIVE, "random", seed))
        return np.stack([step().numpy().argmax(axis=1) for _ in range(steps)])

    def test_each_negative_is_drawn_and_no_positive(self) -> None:
        draws = self.draws(keras.random.SeedGenerator(0), steps=120)
        for row in range(len(POSITIVE)):
            assert set(draws[:, row]) == set(np.flatnonzero(POSITIVE[row] == 0))
        assert not (draws[:, 1] == draws[:, 2]).all()  # rows draw independently

    def test_each_negative_is_as_likely(self) -> None:
        positive, scores = np.tile(POSITIVE[:1], (4000, 1)), np.tile([[9.0, -1, 0, 1, 5, 9]], (4000, 1))
        counts = select_negatives(scores, positive, "random", seed=1).numpy().sum(axis=0)
        np.testing.assert_array_equal(counts[[0, 3]], 0)
        np.testing.assert_allclose(counts[[1, 2, 4, 5]], 1000, atol=110)  # four standard deviations

    def test_a_generator_moves_on_and_repeats_from_its_seed(self) -> None:
        first = self.draws(keras.random.SeedGenerator(5), steps=8)
        assert len(set(map(tuple, first.tolist()))) > 4
        np.testing.assert_array_equal(self.draws(keras.random.SeedGenerator(5), steps=8), first)
        assert (self.draws(keras.random.SeedGenerator(6), steps=8) != first).any()

    def test_without_a_seed_keras_own_seed_rules(self) -> None:
        repeated = []
        for _ in range(2):
            keras.utils.set_random_seed(11)
            repeated.append(self.draws(None, steps=8))
        np.testing.assert_array_equal(repeated[0], repeated[1])
        assert len(set(map(tuple, repeated[0].tolist()))) > 4
        assert (self.draws(None, steps=8) != repeated[0]).any()

    def test_an_integer_seed_draws_the_same_again(self) -> None:
        assert len(set(map(tuple, self.draws(5, steps=4).tolist()))) == 1
