"""The encoders of pictures: their layers, what they share, what they see."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.encoders.cnn import CnnTower, build_towers
from components.encoders.settings import CnnSettings, LenetSettings
from components.pictures.decode import decode_pictures
from components.pictures.settings import Augmentation
from tests.components.corpus import picture

PICTURES = [picture(label, seed) for seed, label in enumerate(("wall", "floor", "dot", "wall"))]


def tower(settings: CnnSettings | LenetSettings) -> CnnTower:
    built = build_towers(settings, ["image"])["image"]
    assert isinstance(built, CnnTower)
    return built


def layers(settings: CnnSettings | LenetSettings) -> list[str]:
    return [type(layer).__name__ for layer in tower(settings).body.layers]


def test_a_block_is_two_normalised_convolutions_and_a_pooling() -> None:
    block = ["Conv2D", "BatchNormalization", "ReLU"] * 2
    end = ["Flatten", "Dropout", "Dense"]
    assert layers(CnnSettings(size=(8, 12), filters=(4, 5))) == [*block, "MaxPooling2D"] * 2 + end


def test_what_cannot_be_halved_any_more_is_not_pooled() -> None:
    body = tower(CnnSettings(size=(4, 9), filters=(2, 3, 4, 5))).body
    assert [layer.__class__.__name__ for layer in body.layers].count("MaxPooling2D") == 2
    assert body.compute_output_shape((None, 4, 9, 3)) == (None, 64)


def test_lenet_is_two_convolutions_and_a_dense_layer() -> None:
    assert layers(LenetSettings()) == ["Conv2D", "MaxPooling2D"] * 2 + ["Flatten", "Dense"]
    body = tower(LenetSettings(size=(9, 7), channels=1)).body
    first, second = (layer for layer in body.layers if isinstance(layer, keras.layers.Conv2D))
    assert (first.filters, second.filters, first.kernel_size) == (32, 64, (3, 3))
    assert body.count_params() == (9 * 32 + 32) + (9 * 32 * 64 + 64) + (3 * 2 * 64 * 32 + 32)


@pytest.mark.parametrize(("size", "channels"), [((8, 8), 3), ((5, 11), 1)])
def test_features_are_decoded_pictures(size: tuple[int, int], channels: int) -> None:
    settings = CnnSettings.model_validate({"size": size, "channels": channels, "filters": [2]})
    features = tower(settings).featurize(tf.constant(PICTURES))
    assert features.shape == (4, *size, channels)
    np.testing.assert_array_equal(features, decode_pictures(tf.constant(PICTURES), *size, settings.channels))


def test_the_question_alone_passes_one_more_dense_layer() -> None:
    towers = build_towers(CnnSettings(size=(8, 8), filters=(2,), dimensions=5), ["question", "answer"])
    question, answer = towers["question"], towers["answer"]
    assert isinstance(question, CnnTower)
    assert isinstance(answer, CnnTower)
    vectors = answer(answer.featurize(tf.constant(PICTURES)))
    headed = question(question.featurize(tf.constant(PICTURES)))
    assert question.body is answer.body
    assert answer.head is None
    assert question.head is not None
    np.testing.assert_allclose(headed, vectors @ question.head.kernel + question.head.bias, atol=1e-5)


def test_augmentation_is_seen_in_training_alone() -> None:
    keras.utils.set_random_seed(1)
    seen = tower(LenetSettings(size=(8, 8), dimensions=9, augmentation=Augmentation(flip=True)))
    features = seen.featurize(tf.constant([PICTURES[0]] * 30))
    plain, mirrored = seen(features).numpy()[0], seen(features[:, :, ::-1]).numpy()[0]
    in_training = seen(features, training=True).numpy()
    is_plain, is_mirrored = (np.all(np.isclose(in_training, one, atol=1e-4), axis=1) for one in (plain, mirrored))
    assert np.all(is_plain ^ is_mirrored)
    assert 5 < is_mirrored.sum() < 25


def test_averages_of_the_normalisation_move_in_training_alone() -> None:
    seen = tower(CnnSettings(size=(8, 8), filters=(2,)))
    features = seen.featurize(tf.constant(PICTURES))
    seen(features)
    (mean, *_) = [weight for weight in seen.weights if "moving_mean" in weight.name]
    before = mean.numpy()
    seen(features)
    np.testing.assert_array_equal(before, mean.numpy())
    seen(features, training=True)
    assert np.abs(mean.numpy() - before).max() > 1e-4
