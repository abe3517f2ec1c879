"""What every encoder must keep, whatever is inside. A new encoder is one line in the conftest's ENCODERS."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import BagSettings, EncoderSettings, LstmSettings, Side
from components.tasks.match import MatchModel

type Row = tuple[str, str, str, str]
SIDES: tuple[Side, ...] = get_args(Side)


@pytest.mark.parametrize("side", SIDES)
def test_vectors_are_of_unit_length(model: MatchModel, rows: list[Row], side: Side) -> None:
    texts = [row[1] for row in rows if row[1] != "👍"]
    vectors = model.encode(side, tf.constant(texts))
    assert vectors.dtype == tf.float32
    assert vectors.shape == (len(texts), getattr(model, side).dimensions)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("side", SIDES)
def test_a_vector_is_the_same_alone_and_in_a_batch(model: MatchModel, rows: list[Row], side: Side) -> None:
    texts = [row[1] for row in rows]
    together = model.encode(side, tf.constant(texts))
    alone = tf.concat([model.encode(side, tf.constant([text])) for text in texts], axis=0)
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("texts", [[], [""], ["👍", "!?"]], ids=["no rows", "empty text", "no token"])
def test_degenerate_texts_have_finite_vectors(model: MatchModel, side: Side, texts: list[str]) -> None:
    vectors = model.encode(side, tf.constant(texts, tf.string))
    assert vectors.shape == (len(texts), getattr(model, side).dimensions)
    assert np.isfinite(vectors).all()


def test_the_towers_differ(model: MatchModel) -> None:
    text = tf.constant(["fence permit"])
    cosine = tf.reduce_sum(model.encode("question", text) * model.encode("answer", text))
    assert float(cosine) < 0.999


@pytest.mark.parametrize("side", SIDES)
def test_features_may_be_made_in_tf_data(model: MatchModel, rows: list[Row], side: Side) -> None:
    tower = getattr(model, side)
    texts = [row[1] for row in rows]
    (features,) = tf.data.Dataset.from_tensor_slices(texts).batch(len(texts)).map(tower.featurize)
    np.testing.assert_allclose(tower(features), model.encode(side, tf.constant(texts)), atol=1e-6)


def test_token_ids_are_read_only_where_they_are_said_to_be(model: MatchModel) -> None:
    ids = tf.ragged.constant([[2, 3]], tf.int64)
    if model.question.reads_token_ids:
        assert model.question.featurize_ids(ids) is not None
    else:
        with pytest.raises(NotImplementedError, match="BagTower reads raw text"):
            model.question.featurize_ids(ids)


@pytest.mark.parametrize("settings", [BagSettings(buckets=1024), LstmSettings()])
def test_both_sides_are_built(settings: EncoderSettings, vocabulary_file: Path) -> None:
    assert set(settings.build(str(vocabulary_file))) == set(SIDES)
