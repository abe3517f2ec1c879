import numpy as np
import pytest
import tensorflow as tf

from components.losses.circle import Circle, circle
from components.losses.info_nce import InfoNCE
from components.losses.multi_similarity import MultiSimilarity
from components.losses.pair_loss import PairLoss
from components.losses.pairs_objective import SoftmaxWithPairs, pairs_within
from components.losses.schedules import Growth
from components.losses.triplet import CosineTriplet

LABELS = np.array([1, 0, 2, 1, 1])
LOSSES = [Circle(), MultiSimilarity(), CosineTriplet(0.2, "all"), InfoNCE()]


def test_every_row_meets_all_others_once() -> None:
    features = np.random.default_rng(0).normal(size=(5, 3))
    positive, scores = pairs_within(LABELS, features)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    for row in range(5):
        others = [other for other in range(5) if other != row]
        np.testing.assert_array_equal(positive[row], LABELS[others] == LABELS[row])
        np.testing.assert_allclose(scores[row], unit[others] @ unit[row], rtol=1e-9)


def test_the_term_is_the_loss_between_the_rows() -> None:
    features = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    objective = SoftmaxWithPairs(3, 3, pairs=Circle(0.3, scale=4.0), weight=0.5)
    objective.head.set_weights([np.zeros((3, 3)), np.zeros(3)])
    terms = objective.terms(features, LABELS)
    expected = circle(*pairs_within(LABELS, features), margin=0.3, scale=4.0)
    np.testing.assert_allclose(terms["pairs"], expected, rtol=1e-6)
    np.testing.assert_allclose(objective.total(terms), np.log(3) + 0.5 * np.mean(expected), rtol=1e-5)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("labels", [[1], [0, 0, 0], [2, 1, 0]])
def test_batches_without_pairs_to_compare_cost_only_cross_entropy(loss: PairLoss, labels: list[int]) -> None:
    features = tf.constant(np.random.default_rng(2).normal(size=(len(labels), 4)), tf.float32)
    objective = SoftmaxWithPairs(3, 4, pairs=loss)
    graph = tf.function(objective.terms, input_signature=[tf.TensorSpec([None, 4]), tf.TensorSpec([None], tf.int64)])
    with tf.GradientTape() as tape:
        tape.watch(features)
        between = graph(features, tf.constant(labels, tf.int64))["pairs"]
    np.testing.assert_array_equal(between, np.zeros(len(labels)))
    np.testing.assert_array_equal(tape.gradient(between, features), np.zeros((len(labels), 4)))


def test_what_the_loss_learns_is_the_objectives_and_what_grows_too() -> None:
    with_temperature = SoftmaxWithPairs(3, 4, pairs=InfoNCE())
    assert len(with_temperature.trainable_variables) == len(SoftmaxWithPairs(3, 4, pairs=Circle()).variables) + 1
    assert len(SoftmaxWithPairs(3, 4, pairs=Circle(Growth(0.1, 0.3, steps=2))).schedules) == 1


def test_a_wrong_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="weight is -1: it must be at least 0"):
        SoftmaxWithPairs(2, 2, pairs=Circle(), weight=-1)
