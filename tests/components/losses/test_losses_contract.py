"""What every match loss must keep: each goes through all of these. A new loss is one line in LOSSES."""

from functools import partial
from pathlib import Path
from typing import Any

import keras
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from components.losses.circle import Circle, circle
from components.losses.info_nce import InfoNCE, info_nce
from components.losses.multi_similarity import MultiSimilarity, multi_similarity
from components.losses.pair_contrastive import PairContrastive, pair_contrastive
from components.losses.pair_loss import PairLoss
from components.losses.ranking import MultipleNegativesRanking, multiple_negatives_ranking
from components.losses.schedules import Growth
from components.losses.scores import cosine_scores
from components.losses.triplet import CosineTriplet, cosine_triplet
from tests.components.losses.gradients import Loss, finite_differences, value_and_gradient

# A fixed integer seed makes "random" draw the same negatives at every call, so that its loss can be compared.
TRIPLETS: dict[str, tuple[Loss, PairLoss]] = {
    f"triplet-{margin}-{negatives}": (
        partial(cosine_triplet, margin=margin, negatives=negatives, seed=3),
        CosineTriplet(margin=margin, negatives=negatives, seed=3),
    )
    for margin in (1.5, "soft")
    for negatives in ("random", "all", "hardest", "semi_hard")
}
RANKINGS: dict[str, tuple[Loss, PairLoss]] = {
    f"ranking-{scale}": (partial(multiple_negatives_ranking, scale=scale), MultipleNegativesRanking(scale=scale))
    for scale in (1.0, 20.0)
}
INFO_NCES: dict[str, tuple[Loss, PairLoss]] = {
    f"info_nce-{sides}": (
        partial(info_nce, temperature=0.2, symmetric=sides == "both"),
        InfoNCE(0.2, learnt=learnt, symmetric=sides == "both"),
    )
    for sides, learnt in (("one", False), ("both", True))
}
OTHERS: dict[str, tuple[Loss, PairLoss]] = {
    "contrastive": (partial(pair_contrastive, temperature=0.5), PairContrastive(0.5)),
    "circle": (partial(circle, margin=0.25, scale=8.0), Circle(0.25, scale=8.0)),
    # With so much slack no pair is too easy to count.
    "multi_similarity": (
        partial(multi_similarity, pull=3.0, push=6.0, threshold=0.4, slack=2.0),
        MultiSimilarity(pull=3.0, push=6.0, threshold=0.4, slack=2.0),
    ),
}
LOSSES = TRIPLETS | RANKINGS | INFO_NCES | OTHERS
every_class = pytest.mark.parametrize("loss", [instance for _, instance in LOSSES.values()], ids=list(LOSSES))


def functions(*but: str) -> pytest.MarkDecorator:
    """Every function, but those whose mathematics does not promise it; each has a test of what it does instead."""
    kept = {name: function for name, (function, _) in LOSSES.items() if not name.startswith(but)}
    return pytest.mark.parametrize("loss", kept.values(), ids=list(kept))


every_function = functions("none")
SYMMETRIC = [function for name, (function, _) in LOSSES.items() if name == "info_nce-both"]

ROWS, COLUMNS = 4, 6
ANSWER_OF_ROW = np.array([0, 1, 2, 0])
ANSWER_OF_COLUMN = np.array([0, 1, 2, 0, 3, 1])  # rows 0, 1 and 3 have two positives, and no row all negatives
POSITIVE = ANSWER_OF_ROW[:, None] == ANSWER_OF_COLUMN[None, :]


def random_scores(seed: int = 0, dtype: Any = np.float64) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (ROWS, COLUMNS)).astype(dtype)


@functions("triplet-1.5-random", "triplet-soft-random")  # what they draw hangs on the number of columns
def test_columns_that_are_neither_right_nor_wrong_change_nothing(loss: Loss) -> None:
    scores, others = random_scores(), np.random.default_rng(5).uniform(-1, 1, (ROWS, 50))
    both = np.concatenate([scores, others], axis=1)
    labels = np.concatenate([POSITIVE.astype(np.int8), np.full((ROWS, 50), -1, np.int8)], axis=1)
    for kind in (np.int8, np.float32):
        np.testing.assert_allclose(loss(labels.astype(kind), both), loss(POSITIVE, scores), rtol=1e-6)
    _, gradient = value_and_gradient(loss, labels, both)
    assert not np.asarray(gradient)[:, COLUMNS:].any()


@pytest.mark.parametrize("margin", [1.5, "soft"])
def test_random_draws_none_that_is_neither_right_nor_wrong(margin: Any) -> None:
    scores = np.full((1, 200), -1.0)
    scores[0, :3] = [0.2, 0.9, 0.9]
    labels = np.full((1, 200), -1, np.int8)
    labels[0, :3] = [1, 0, 0]
    expected = cosine_triplet(labels[:, :3], scores[:, :3], margin=margin, negatives="all")
    for seed in range(20):
        np.testing.assert_allclose(
            cosine_triplet(labels, scores, margin=margin, negatives="random", seed=seed), expected, rtol=1e-6
        )


@functions("circle")  # its weights are constants to the gradient
def test_the_gradient_is_that_of_finite_differences(loss: Loss) -> None:
    scores = random_scores()
    _, gradient = value_and_gradient(loss, POSITIVE, scores)
    expected = finite_differences(loss, POSITIVE, scores)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)


@functions("contrastive")  # it pushes a positive down that is above its equals
def test_the_gradient_raises_right_scores_and_lowers_wrong_ones(loss: Loss) -> None:
    _, gradient = value_and_gradient(loss, POSITIVE, random_scores())
    assert (gradient[POSITIVE] < 0).all()
    assert (gradient[~POSITIVE] >= 0).all()
    assert (gradient.clip(0).sum(axis=1) > 1e-3).all()  # every row pushes at least one negative away


@functions("info_nce-both", "circle", "multi_similarity")  # one compares columns, too; two have fixed aims
def test_only_differences_of_scores_within_a_row_matter(loss: Loss) -> None:
    _, gradient = value_and_gradient(loss, POSITIVE, random_scores())
    assert np.abs(gradient).max() > 1e-3
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-12)


@every_function
@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 2)])
@pytest.mark.parametrize("positives", [0.0, 1.0])
def test_rows_with_nothing_to_compare_cost_nothing(loss: Loss, shape: tuple[int, int], positives: float) -> None:
    scores = np.linspace(-1, 1, shape[0] * shape[1], dtype=np.float32).reshape(shape)
    losses, gradient = value_and_gradient(loss, np.full(shape, positives), scores)
    np.testing.assert_array_equal(losses, np.zeros(shape[0]))
    np.testing.assert_array_equal(gradient, np.zeros(shape))


@functions("info_nce-both")
def test_a_row_with_nothing_to_compare_leaves_the_others_alone(loss: Loss) -> None:
    scores, positive = random_scores(), POSITIVE.copy()
    usual, usual_gradient = value_and_gradient(loss, positive, scores)
    positive[1], positive[2] = True, False
    losses, gradient = value_and_gradient(loss, positive, scores)
    np.testing.assert_array_equal(losses, [usual[0], 0, 0, usual[3]])
    np.testing.assert_array_equal(gradient[[0, 3]], usual_gradient[[0, 3]])
    np.testing.assert_array_equal(gradient[[1, 2]], 0)


# "random" may draw another negative; the others add up or compare positives
@functions("triplet-1.5-random", "triplet-soft-random", "contrastive", "circle", "multi_similarity")
def test_a_copy_of_the_right_answer_changes_nothing(loss: Loss) -> None:
    scores = random_scores()
    scores[:, 3] = scores[:, 0]
    scores[:, 5] = scores[:, 1]
    own_rows = [0, 3]  # the rows that column 3 answers
    without = np.delete(scores, 3, axis=1), np.delete(POSITIVE, 3, axis=1)
    kept, dropped = loss(POSITIVE, scores).numpy(), loss(without[1], without[0]).numpy()
    np.testing.assert_allclose(kept[own_rows], dropped[own_rows], rtol=1e-12)


@every_function
def test_zero_vectors_have_a_finite_gradient(loss: Loss) -> None:
    generator = np.random.default_rng(1)
    questions, candidates = generator.normal(size=(ROWS, 3)), generator.normal(size=(COLUMNS, 3))
    questions[1] = 0
    candidates[[0, 4]] = 0
    vectors = [tf.constant(questions, tf.float32), tf.constant(candidates, tf.float32)]
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        losses = loss(POSITIVE, cosine_scores(*vectors))
    assert np.isfinite(losses).all()
    for gradient in tape.gradient(losses, vectors):
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() < 100


@every_function
def test_a_score_that_is_not_a_number_shows(loss: Loss) -> None:
    for column in (2, 4):  # of row 2 the only positive, and a negative
        scores = random_scores()
        scores[2, column] = np.nan
        lost = np.isnan(loss(POSITIVE, scores))
        assert lost[2]
        assert loss in SYMMETRIC or not lost[[0, 1, 3]].any()


@every_function
@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_is_computed_in_float32(loss: Loss, dtype: Any) -> None:
    scores = random_scores(dtype=dtype)
    losses = loss(POSITIVE, scores)
    assert losses.dtype == tf.float32
    np.testing.assert_array_equal(losses, loss(POSITIVE, scores.astype(np.float32)))


@every_function
def test_float64_stays_float64(loss: Loss) -> None:
    losses = loss(POSITIVE, random_scores())
    assert losses.dtype == tf.float64
    np.testing.assert_allclose(losses, loss(POSITIVE, random_scores(dtype=np.float32)), rtol=1e-5)


@every_function
@pytest.mark.parametrize(
    "positive", [POSITIVE, POSITIVE.astype(np.float16), POSITIVE.astype(np.int64), POSITIVE.tolist()]
)
def test_positive_may_have_any_dtype(loss: Loss, positive: Any) -> None:
    np.testing.assert_array_equal(loss(positive, random_scores()), loss(POSITIVE, random_scores()))


@every_function
def test_graph_of_unknown_shape_equals_eager(loss: Loss) -> None:
    graph = tf.function(
        loss, input_signature=[tf.TensorSpec([None, None], tf.bool), tf.TensorSpec([None, None], tf.float64)]
    )
    for rows in (slice(0, 4), slice(1, 3)):
        positive, scores = POSITIVE[rows], random_scores()[rows]
        np.testing.assert_allclose(graph(positive, scores), loss(positive, scores), rtol=1e-12)


@every_function
def test_shapes_that_would_broadcast_are_refused(loss: Loss) -> None:
    with pytest.raises(ValueError, match=r"positive has shape \(4,\), scores has \(4, 4\)"):
        loss(np.ones(4), np.ones((4, 4)))
    with pytest.raises(ValueError, match=r"positive has shape \(4, 1\), scores has \(4, 6\)"):
        loss(np.ones((4, 1)), np.ones((4, 6)))


@pytest.mark.parametrize(("function", "loss"), LOSSES.values(), ids=list(LOSSES))
def test_the_class_is_the_mean_of_the_function(function: Loss, loss: PairLoss) -> None:
    scores = random_scores(dtype=np.float32)
    expected = function(POSITIVE, scores).numpy()
    assert expected.shape == (ROWS,)

    def again(**changed: Any) -> PairLoss:  # anew, because a loss that draws moves on at each call
        return type(loss).from_config({**loss.get_config(), **changed})

    np.testing.assert_allclose(again(reduction=None)(POSITIVE, scores), expected, rtol=1e-5)
    np.testing.assert_allclose(again()(POSITIVE, scores), expected.mean(), rtol=1e-5)
    weighted = again(reduction="sum")(POSITIVE, scores, sample_weight=[0.0, 2.0, 0.0, 1.0])
    np.testing.assert_allclose(weighted, 2 * expected[1] + expected[3], rtol=1e-5)


@every_class
def test_the_class_survives_serialisation(loss: PairLoss) -> None:
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert keras.saving.get_registered_name(type(loss)) == f"anchorline>{type(loss).__name__}"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras 3.15 saves so on NumPy 2
@pytest.mark.parametrize(
    "loss",
    [
        CosineTriplet("soft", "semi_hard"),
        CosineTriplet(0.7, "random", seed=5),
        CosineTriplet(Growth(0.7, 0.9, steps=4), "all"),
        MultipleNegativesRanking(scale=3.0),
        InfoNCE(0.3),
        PairContrastive(0.5),
        Circle(Growth(0.3, 0.4, epochs=2), scale=4.0),
        MultiSimilarity(push=5.0),
    ],
    ids=lambda loss: f"{loss.name}-{type(getattr(loss, 'margin', None)).__name__}",
)
def test_a_compiled_model_trains_and_reloads(loss: PairLoss, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(COLUMNS, use_bias=False)])
    model.compile(optimizer=keras.optimizers.SGD(0.5), loss=loss)
    questions = np.random.default_rng(2).normal(size=(ROWS, 3)).astype(np.float32)
    history = model.fit(questions, POSITIVE, batch_size=ROWS, epochs=10, verbose=0).history["loss"]
    assert history[-1] < 0.8 * history[0]

    model.save(tmp_path / "model.keras")
    reloaded = keras.saving.load_model(tmp_path / "model.keras")
    assert reloaded.loss.get_config() == loss.get_config()
    np.testing.assert_allclose(
        reloaded.evaluate(questions, POSITIVE, verbose=0),
        type(loss).from_config(loss.get_config())(POSITIVE, model.predict(questions, verbose=0)),
        rtol=1e-5,
    )
