"""Cross-batch memory against a deque."""

from collections import deque
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.losses.ranking import multiple_negatives_ranking
from components.losses.scores import cosine_scores
from components.tasks.right_answers import RightAnswers
from components.train.memory import CandidateMemory

FARTHEST = -1.0
"""The score of what does not count: that of an opposite vector."""


@pytest.fixture
def right() -> RightAnswers:
    """Question 1 has the answers 100 and 101; every other has one."""
    return RightAnswers(np.array([1, 1, 2, 3]), np.array([100, 101, 102, 103]))


def scores(memory: CandidateMemory, questions: tf.Tensor, *keys: Any) -> tf.Tensor:
    useless = memory.useless(*(tf.constant(one, tf.int64) for one in keys))
    return tf.where(useless, FARTHEST, cosine_scores(questions, memory.vectors))


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_last_candidates_are_scored_and_right_ones_are_not(right: RightAnswers) -> None:
    random = np.random.default_rng(4)
    memory = CandidateMemory(5, 3, right)
    kept: deque[tuple[np.ndarray, int]] = deque(maxlen=5)
    push = tf.function(memory.push)
    for keys in ([100, 103], [101, 102, 107], [103], [108, 109, 110, 102, 101, 100, 111]):
        vectors = random.normal(size=(len(keys), 3)).astype(np.float32)
        push(tf.constant(vectors), tf.constant(keys, tf.int64))
        kept.extend(zip(unit(vectors), keys, strict=True))
        questions = random.normal(size=(2, 3)).astype(np.float32)
        found = scores(memory, tf.constant(questions), [1, 2], [100, 102, 9])
        expected: list[list[float]] = []
        for question, never in zip(unit(questions), ({100, 101}, {102}), strict=True):
            row = [-1.0 if answer in never else float(question @ vector) for vector, answer in kept]
            expected.append(sorted(row + [-1.0] * (5 - len(kept))))
        np.testing.assert_allclose(np.sort(found.numpy(), axis=1), expected, atol=1e-6)


def test_an_empty_memory_costs_nothing_and_a_full_one_does(right: RightAnswers) -> None:
    memory = CandidateMemory(4, 2, right)
    questions = tf.constant([[1.0, 0.0], [0.6, 0.8]])
    batch, positive = tf.constant([[0.9, 0.1], [0.3, 0.8]]), tf.constant([[1, 0], [0, 1]])

    def loss() -> np.ndarray:
        both = tf.concat([batch, scores(memory, questions, [2, 3], [102, 103])], axis=1)
        return multiple_negatives_ranking(tf.pad(positive, [[0, 0], [0, 4]]), both).numpy()

    alone = multiple_negatives_ranking(positive, batch).numpy()
    np.testing.assert_allclose(loss(), alone, rtol=1e-5)
    memory.push(tf.constant([[0.9, 0.1]]), tf.constant([104], tf.int64))
    assert np.all(loss() > alone + 1e-4)


def test_what_is_remembered_passes_on_no_gradient(right: RightAnswers) -> None:
    memory = CandidateMemory(2, 2, right)
    candidates, questions = tf.Variable([[1.0, 2.0]]), tf.Variable([[2.0, 1.0]])
    with tf.GradientTape() as tape:
        memory.push(candidates, tf.constant([110], tf.int64))
        total = tf.reduce_sum(scores(memory, questions, [2], [102]))
    to_candidates, to_questions = tape.gradient(total, [candidates, questions])
    assert to_candidates is None
    assert np.abs(to_questions.numpy()).max() > 0.1
