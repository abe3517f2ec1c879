"""The classifier in memory: what it minimises and logs, what it answers."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import BagSettings, CnnSettings, EmbeddingBagSettings, EncoderSettings
from components.losses.settings import (
    ArcFaceSettings,
    CenterSettings,
    ClassifyLossSettings,
    ContrastiveSettings,
    SoftmaxSettings,
)
from components.tasks.classify import ClassifyModel
from tests.components.corpus import LABELS, labelled

LOSSES: dict[str, ClassifyLossSettings] = {
    "softmax": SoftmaxSettings(type="softmax", smoothing=0.2),
    "center": CenterSettings(type="center", weight=0.3),
    "moved centers": CenterSettings(type="center", weight=0.3, rate=0.5),
    "contrastive": ContrastiveSettings(type="supervised_contrastive", weight=0.7),
    "arcface": ArcFaceSettings(type="arcface"),
}
TERMS = {
    "softmax": {"cross_entropy": 1.0},
    "center": {"cross_entropy": 1.0, "center": 0.3},
    "moved centers": {"cross_entropy": 1.0, "center": 0.3},
    "contrastive": {"cross_entropy": 1.0, "contrastive": 0.7},
    "arcface": {"cross_entropy": 1.0},
}
BAG = BagSettings(dimensions=16, buckets=1024, ngrams=(3,), weight_decay=0.5, term_dropout=0)
WORDS = EmbeddingBagSettings(dimensions=6, buckets=256, word_dropout=0)
NAMES = [label.encode() for label in LABELS]


def built(encoder: EncoderSettings, loss: str, rate: float = 0.0) -> ClassifyModel:
    keras.utils.set_random_seed(4)
    tower = encoder.build([encoder.modality], "")[encoder.modality]
    model = ClassifyModel(tower, LOSSES[loss].build(len(NAMES), tower.dimensions), NAMES)
    model.compile(optimizer=keras.optimizers.Adam(rate))
    return model


def batches(model: ClassifyModel, rows: int = 24, batch: int = 8) -> tf.data.Dataset:
    modality: Any = model.tower.name
    corpus = labelled(modality, rows)
    ids = tf.constant([list(LABELS).index(row.label) for row in corpus], tf.int64)
    raw = tf.data.Dataset.from_tensor_slices(([row.raw for row in corpus], ids)).batch(batch)
    return raw.map(lambda raw, ids: ({modality: model.tower.featurize(raw)}, ids))


def fit(model: ClassifyModel, data: tf.data.Dataset, epochs: int = 1) -> dict[str, list[float]]:
    return model.fit(data, epochs=epochs, verbose=0, shuffle=False).history


@pytest.mark.parametrize("loss", LOSSES)
def test_terms_and_accuracy_are_logged_by_name_and_the_loss_is_their_weighted_sum(loss: str) -> None:
    """With a learning rate of 0, so that one epoch's averages can be computed anew; of centres that move, once."""
    model = built(WORDS, loss)
    data = batches(model, batch=24)
    ((features, ids),) = data
    vectors = model(features)
    terms = {name: float(np.mean(values)) for name, values in model.objective.terms(vectors, ids).items()}
    right = tf.argmax(model.objective.logits(vectors), axis=1) == ids
    logs = {name: values[0] for name, values in fit(model, data).items()}
    weights = model.objective.term_weights
    assert weights == TERMS[loss]
    assert set(logs) == {"loss", "accuracy", *weights}
    assert {name: logs[name] for name in weights} == pytest.approx(terms, rel=1e-4)
    assert logs["loss"] == pytest.approx(sum(weights[name] * terms[name] for name in weights), rel=1e-4)
    assert logs["accuracy"] == pytest.approx(np.mean(right))


def test_logs_are_averages_over_the_batches_of_an_epoch() -> None:
    model = built(WORDS, "center")
    history = fit(model, batches(model), epochs=2)
    (whole,) = fit(built(WORDS, "center"), batches(model, batch=24))["center"]
    assert history["center"] == pytest.approx([whole, whole], rel=1e-5)


def test_what_regularises_the_encoder_is_part_of_the_loss() -> None:
    model = built(BAG, "softmax")
    data = batches(model, batch=24)
    assert isinstance(model.tower.log_weight, keras.Variable)
    model.tower.log_weight.assign(np.linspace(0, 0.2, 1024))
    logs = fit(model, data)
    decay = 0.5 * np.sum(np.linspace(0, 0.2, 1024) ** 2)
    assert decay > 5
    assert logs["loss"][0] == pytest.approx(logs["cross_entropy"][0] + decay, rel=1e-5)


@pytest.mark.parametrize(
    ("encoder", "loss"),
    [*((WORDS, loss) for loss in LOSSES), (CnnSettings(size=(8, 8), filters=(6,), dimensions=6), "center")],
)
def test_it_learns(encoder: EncoderSettings, loss: str) -> None:
    model = built(encoder, loss, rate=0.03)
    history = fit(model, batches(model, rows=30, batch=15), epochs=24)
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    assert history["accuracy"][-1] > 0.9
    assert all(np.isfinite(values).all() for values in history.values())


def test_every_weight_of_tower_and_objective_moves() -> None:
    model = built(WORDS, "center", rate=0.1)
    data = batches(model)
    before = [weight.numpy() for weight in model.trainable_weights]
    assert [weight.path.split("/")[-1] for weight in model.trainable_weights] == [
        "embeddings",
        "kernel",
        "bias",
        "centers",
    ]
    fit(model, data)
    for weight, old in zip(model.trainable_weights, before, strict=True):
        assert np.abs(weight.numpy() - old).max() > 1e-3, weight.path


@pytest.fixture
def model() -> ClassifyModel:
    return built(WORDS, "softmax")


def test_all_classes_are_told_the_most_probable_first(model: ClassifyModel) -> None:
    features = tf.constant(np.random.default_rng(3).normal(size=(5, 6)) * 4, tf.float32)
    logits = model.objective.logits(features).numpy().astype(float)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    order = np.argsort(-probabilities, axis=1)
    found = model.classify(features)
    assert found.labels.numpy().tolist() == [[NAMES[place] for place in row] for row in order]
    np.testing.assert_allclose(found.probabilities, np.take_along_axis(probabilities, order, axis=1), atol=1e-5)
    np.testing.assert_allclose(model.probabilities(features), probabilities, atol=1e-5)
    assert len({tuple(row) for row in order}) > 1


def test_vectors_are_those_of_the_tower(model: ClassifyModel) -> None:
    raw = tf.constant(["brick number 3", "tiles"])
    np.testing.assert_array_equal(model.vectors(raw), model.tower(model.tower.featurize(raw)))
    np.testing.assert_array_equal(model({"text": model.tower.featurize(raw)}), model.vectors(raw))


def test_no_rows(model: ClassifyModel) -> None:
    found = model.classify(model.vectors(tf.constant([], tf.string)))
    assert found.labels.shape == found.probabilities.shape == (0, 3)
