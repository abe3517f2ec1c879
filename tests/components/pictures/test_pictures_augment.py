import math
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components.pictures.augment import Augment, affine_maps, transform
from components.pictures.settings import Augmentation

ALL = Augmentation(flip=True, crop=0.3, rotation=40)
PICTURES = np.random.default_rng(1).random((6, 5, 7, 3), dtype=np.float32)


def seen(
    pictures: np.ndarray,
    *,
    mirrored: bool = False,
    kept: float = 1,
    place: tuple[float, float] = (0, 0),
    turn: float = 0,
) -> np.ndarray:
    """All pictures through one map; `turn` in degrees."""
    rows, *size = pictures.shape[:3]
    maps = affine_maps(
        tf.fill([rows], mirrored),
        tf.fill([rows, 2], float(kept)),
        tf.tile(tf.constant([place], tf.float32), [rows, 1]),
        tf.fill([rows], math.radians(turn)),
        tuple(size),
    )
    return transform(pictures, maps).numpy()


def test_the_map_that_does_nothing() -> None:
    np.testing.assert_array_equal(seen(PICTURES), PICTURES)


def test_a_mirror_changes_left_and_right() -> None:
    np.testing.assert_allclose(seen(PICTURES, mirrored=True), PICTURES[:, :, ::-1], atol=1e-6)


def test_half_a_turn() -> None:
    np.testing.assert_allclose(seen(PICTURES, turn=180), PICTURES[:, ::-1, ::-1], atol=1e-5)


def test_a_quarter_turns_anticlockwise_and_keeps_proportions() -> None:
    square = PICTURES[:, :, 1:6]
    np.testing.assert_allclose(seen(square, turn=90), np.rot90(square, axes=(1, 2)), atol=1e-5)
    middle = seen(PICTURES, turn=90)[:, :, 1:6]
    np.testing.assert_allclose(middle, np.rot90(square, axes=(1, 2)), atol=1e-5)


def test_what_a_turn_brings_in_repeats_the_edge() -> None:
    wide = np.zeros((1, 3, 9, 1), np.float32)
    wide[:, 0], wide[:, 2] = 0.25, 0.75
    turned = seen(wide, turn=90)[0, :, :, 0]
    np.testing.assert_allclose(turned[1], [0.25] * 4 + [0] + [0.75] * 4, atol=1e-6)


def test_a_crop_stretches_a_part() -> None:
    ramp = np.arange(8, dtype=np.float32)[np.newaxis, :, np.newaxis, np.newaxis] * np.ones((1, 8, 8, 1), np.float32)
    top = seen(ramp, kept=0.5, place=(-1, 0))[0, :, 0, 0]
    bottom = seen(ramp, kept=0.5, place=(1, 0))[0, :, 0, 0]
    np.testing.assert_allclose(top, [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25], atol=1e-5)
    np.testing.assert_allclose(bottom, [3.75, 4.25, 4.75, 5.25, 5.75, 6.25, 6.75, 7], atol=1e-5)
    right = seen(ramp.transpose(0, 2, 1, 3), kept=0.5, place=(0, 1))[0, 3, :, 0]
    np.testing.assert_allclose(right, bottom, atol=1e-5)


@pytest.mark.parametrize("settings", [Augmentation(), ALL])
def test_nothing_happens_outside_of_training(settings: Augmentation) -> None:
    pictures = tf.constant(PICTURES)
    assert Augment(settings)(pictures) is pictures
    assert Augment(settings)(pictures, training=False) is pictures


def test_with_everything_off_nothing_happens_in_training_either() -> None:
    pictures, layer = tf.constant(PICTURES), Augment(Augmentation())
    assert layer(pictures, training=True) is pictures
    assert layer.variables == []


def test_each_picture_has_a_draw_of_its_own_and_each_call() -> None:
    same = tf.tile(PICTURES[:1], [6, 1, 1, 1])
    layer = Augment(ALL)
    first, second = layer(same, training=True).numpy(), layer(same, training=True).numpy()
    assert len(np.unique(np.concatenate([first, second]), axis=0)) == 12
    assert first.min() >= PICTURES[0].min() - 1e-6
    assert first.max() <= PICTURES[0].max() + 1e-6


def test_a_seed_repeats_the_draws() -> None:
    def draws() -> np.ndarray:
        layer = Augment(ALL)
        return np.stack([layer(PICTURES, training=True) for _ in range(2)])

    keras.utils.set_random_seed(3)
    first = draws()
    keras.utils.set_random_seed(3)
    np.testing.assert_array_equal(draws(), first)
    assert np.abs(draws() - first).max() > 0.01


def test_a_flip_alone_mirrors_about_half_and_does_nothing_else() -> None:
    keras.utils.set_random_seed(1)
    many = tf.tile(PICTURES[:1], [400, 1, 1, 1])
    altered = Augment(Augmentation(flip=True))(many, training=True).numpy()
    as_it_was = np.abs(altered - PICTURES[0]).max(axis=(1, 2, 3)) < 1e-5
    mirrored = np.abs(altered - PICTURES[0, :, ::-1]).max(axis=(1, 2, 3)) < 1e-5
    assert (as_it_was ^ mirrored).all()
    assert 150 < mirrored.sum() < 250


def test_a_crop_alone_stays_inside_and_keeps_at_least_its_share() -> None:
    keras.utils.set_random_seed(2)
    ramp = np.tile(np.arange(100, dtype=np.float32)[np.newaxis, :, np.newaxis, np.newaxis], (300, 1, 20, 1))
    altered = Augment(Augmentation(crop=0.4))(ramp, training=True).numpy()[:, :, 0, 0]
    extent = altered[:, -1] - altered[:, 0]
    assert 58 < extent.min() < 70
    assert extent.max() > 95
    assert altered[:, 0].min() < 2
    assert altered[:, 0].max() > 30


def test_a_rotation_alone_stays_within_its_degrees_to_both_sides() -> None:
    keras.utils.set_random_seed(4)
    y, x = np.mgrid[-30:31, -30:31].astype(np.float32)
    angles = np.stack([x, y], axis=-1)[np.newaxis].repeat(200, axis=0)
    altered = Augment(Augmentation(rotation=20))(angles, training=True).numpy()
    turned = np.degrees(np.arctan2(altered[:, 30, 40, 1], altered[:, 30, 40, 0]))
    assert -20.01 < turned.min() < -15
    assert 15 < turned.max() < 20.01


def test_it_works_in_tf_data_and_on_no_pictures() -> None:
    layer = Augment(ALL)
    dataset = tf.data.Dataset.from_tensors(PICTURES).repeat(2).map(lambda pictures: layer(pictures, training=True))
    first, second = dataset.as_numpy_iterator()
    assert np.abs(first - second).max() > 0.01
    assert layer(tf.zeros([0, 5, 7, 3]), training=True).shape == (0, 5, 7, 3)


def test_a_served_model_draws_nothing(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((5, 7, 3)), Augment(ALL), keras.layers.Flatten(), keras.layers.Dense(2)])
    altered = np.abs(model(PICTURES, training=True) - model(PICTURES, training=True)).max()
    assert altered > 1e-4
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", model.call, input_signature=[tf.TensorSpec([None, 5, 7, 3])])
    archive.write_out(str(tmp_path / "1"), verbose=False)
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        signature = tf.compat.v1.saved_model.load(session, ["serve"], str(tmp_path / "1")).signature_def["serve"]
        operations = {
            node.op for function in session.graph.as_graph_def().library.function for node in function.node_def
        }
        (given,), (output,) = signature.inputs.values(), signature.outputs.values()
        served = session.run(output.name, {given.name: PICTURES})
    assert not [name for name in operations if "Random" in name or "ImageProjective" in name]
    np.testing.assert_allclose(served, model(PICTURES), atol=1e-5)


def test_it_is_saved_with_its_settings() -> None:
    assert Augment.from_config(Augment(ALL, name="altered").get_config()).settings == ALL
    assert Augment.from_config(Augment(ALL, name="altered").get_config()).name == "altered"


@pytest.mark.parametrize(
    "wrong", [{"crop": 0.6}, {"crop": -0.1}, {"rotation": 181}, {"crop": math.nan}, {"rotation": math.inf}, {"zoom": 1}]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Augmentation.model_validate(wrong)
