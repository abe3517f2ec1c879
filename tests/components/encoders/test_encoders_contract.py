"""What every encoder must keep, whatever is inside. A new encoder is one line in the conftest's ENCODERS.

That the exported towers give the same vectors in a TF 1 session is held in `train/test_train_export_match`; of the
pretrained network, which takes long to trace, in its own tests.
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import EncoderSettings
from components.encoders.tower import Tower
from components.losses.scores import cosine_scores
from components.parts import Side
from components.tasks.match import MatchModel
from tests.components.conftest import ENCODERS

# Every encoder of the other tests, and the one that is too slow for them.
pytestmark = pytest.mark.parametrize(
    "encoder", [*ENCODERS, "pretrained", "pretrained_image"], indirect=True, scope="session"
)

type Pairs = list[tuple[bytes, bytes, bytes]]

SIDES: tuple[Side, ...] = ("question", "answer")
RANDOM_IN_TRAINING = {"bag", "embedding_bag", "cnn", "pretrained", "pretrained_image"}
"""Those whose settings in the conftest have dropout or augmentation."""
PRETRAINED = {"pretrained", "pretrained_image"}
"""Those whose towers share everything."""


@pytest.fixture(params=SIDES)
def tower(request: pytest.FixtureRequest, model: MatchModel) -> Tower:
    return getattr(model, request.param)


@pytest.fixture
def raw(corpus: Pairs) -> list[bytes]:
    return [question for _, question, _ in corpus]


def encode(tower: Tower, raw: list[bytes]) -> np.ndarray:
    return tower(tower.featurize(tf.constant(raw, tf.string))).numpy()


def test_a_vector_for_each_row(tower: Tower, encoder: EncoderSettings, raw: list[bytes]) -> None:
    vectors = encode(tower, raw)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(raw), encoder.vector_size)
    assert tower.dimensions == encoder.vector_size
    assert len(np.unique(vectors.round(4), axis=0)) > len(raw) // 2


def test_a_vector_is_the_same_alone_and_in_a_batch(tower: Tower, raw: list[bytes]) -> None:
    alone = np.concatenate([encode(tower, [one]) for one in raw])
    np.testing.assert_allclose(encode(tower, raw), alone, atol=1e-4)


def test_no_rows(tower: Tower) -> None:
    assert encode(tower, []).shape == (0, tower.dimensions)


@pytest.mark.parametrize("texts", [[b""], ["👍".encode(), b"!?"]], ids=["empty text", "no token"])
def test_degenerate_texts_have_finite_vectors(tower: Tower, encoder: EncoderSettings, texts: list[bytes]) -> None:
    if encoder.modality == "text":
        assert np.isfinite(encode(tower, texts)).all()
    else:
        with pytest.raises(tf.errors.InvalidArgumentError):
            encode(tower, texts)


def test_features_are_the_same_in_tf_data_and_in_a_graph(tower: Tower, raw: list[bytes]) -> None:
    (piped,) = tf.data.Dataset.from_tensor_slices(raw).batch(len(raw)).map(tower.featurize)
    in_graph = tf.function(tower.featurize, input_signature=[tf.TensorSpec([None], tf.string)])(tf.constant(raw))
    for features in (piped, in_graph, tower.featurizer()(tf.constant(raw))):
        for one, other in zip(flat(features), flat(tower.featurize(tf.constant(raw))), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)


def flat(features: Any) -> list[np.ndarray]:
    return [value.numpy() for value in tf.nest.flatten(features, expand_composites=True)]


def test_the_size_of_features_is_true_where_it_is_told(tower: Tower, raw: list[bytes]) -> None:
    features, fewer = (tower.featurize(tf.constant(rows)) for rows in (raw, raw[-1:]))
    if tower.feature_bytes is None:
        assert isinstance(features, tf.SparseTensor) or features.shape[1:] != fewer.shape[1:]
    else:
        assert features.shape[1:] == fewer.shape[1:]
        assert features.numpy().nbytes == len(raw) * tower.feature_bytes


def test_only_dropout_and_augmentation_make_training_random(
    tower: Tower, encoder: EncoderSettings, raw: list[bytes]
) -> None:
    features = tower.featurize(tf.constant(raw))
    plain, again = tower(features).numpy(), tower(features, training=False).numpy()
    before = [weight.numpy() for weight in tower.weights]
    first, second = (tower(features, training=True).numpy() for _ in range(2))
    for weight, value in zip(tower.weights, before, strict=True):  # moving averages went on
        weight.assign(value)
    np.testing.assert_array_equal(plain, again)
    assert np.array_equal(first, second) == (encoder.type not in RANDOM_IN_TRAINING)
    changed = encoder.type in RANDOM_IN_TRAINING or encoder.normalises_by_batch
    assert np.array_equal(first, plain) != changed


@pytest.mark.parametrize("names", [["question", "answer"], ["text"]])
def test_without_dropout_and_augmentation_training_repeats_itself(
    encoder: EncoderSettings, raw: list[bytes], vocabulary_file: Path, names: list[str]
) -> None:
    still = {"term_dropout": 0, "word_dropout": 0, "dropout": 0, "augmentation": {}}
    settings = type(encoder).model_validate(
        encoder.model_dump() | {key: value for key, value in still.items() if hasattr(encoder, key)}
    )
    built = settings.build(names, str(vocabulary_file))
    assert list(built) == names
    for name, tower in built.items():
        assert tower.name == name
        features = tower.featurize(tf.constant(raw))
        first, second = (tower(features, training=True).numpy() for _ in range(2))
        np.testing.assert_array_equal(first, second)
        assert np.allclose(first, tower(features), rtol=1e-7, atol=1e-6) != encoder.normalises_by_batch


def test_every_trainable_weight_is_learnt(model: MatchModel, corpus: Pairs) -> None:
    keras.utils.set_random_seed(8)
    features = {
        side: getattr(model, side).featurize(tf.constant([row[1 + at] for row in corpus]))
        for at, side in enumerate(SIDES)
    }
    random = tf.constant(np.random.default_rng(4).normal(size=(len(corpus), len(corpus))), tf.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(random * model(features))
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.path
        values = tf.convert_to_tensor(gradient).numpy()
        assert np.isfinite(values).all(), weight.path
        assert np.any(values != 0), weight.path


def test_towers_share_what_they_say(encoder: EncoderSettings, model: MatchModel) -> None:
    """The bags have term weights or embeddings of their own; the others add one dense layer, or nothing."""
    question, answer = (getattr(model, side).weights for side in SIDES)
    own = [weight for weight in question if all(weight is not other for other in answer)]
    answers_own = [weight for weight in answer if all(weight is not other for other in question)]
    shapes = [tuple(weight.shape) for weight in own]
    if encoder.type in ("bag", "embedding_bag"):
        assert shapes == [tuple(weight.shape) for weight in answers_own]
        assert (
            sorted(weight.name for weight in own)
            == {
                "bag": ["log_weight"],
                "embedding_bag": ["embeddings", "idf"],
            }[encoder.type]
        )
    else:
        dense = [(encoder.vector_size, encoder.vector_size), (encoder.vector_size,)]
        assert shapes == ([] if encoder.type in PRETRAINED else dense)
        assert answers_own == []


def test_the_towers_differ_unless_they_are_pretrained(
    model: MatchModel, encoder: EncoderSettings, raw: list[bytes]
) -> None:
    cosines = cosine_scores(*(encode(getattr(model, side), raw[:1]) for side in SIDES))
    assert (float(cosines[0, 0]) < 0.999) == (encoder.type not in PRETRAINED)


def test_token_ids_are_read_only_where_they_are_said_to_be(model: MatchModel) -> None:
    ids = tf.ragged.constant([[2, 3]], tf.int64)
    tower = model.question
    if tower.reads_token_ids:
        assert tower.featurize_ids(ids).numpy().tolist() == [[2, 3]]
    else:
        with pytest.raises(NotImplementedError, match=f"{type(tower).__name__} reads raw values"):
            tower.featurize_ids(ids)
