"""The pretrained network for pictures against Keras's own; what all encoders must keep is in the contract's tests."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from components.encoders.architectures import ARCHITECTURES, Architecture, Name, classes_in
from components.encoders.backbone import load_backbone, preprocess, stages
from components.encoders.pretrained_image import build_towers
from components.encoders.settings import PretrainedImageSettings
from components.encoders.shared import SharedTower
from components.errors import UserError
from components.train.export import export
from components.train.fit import adam
from serving.server.session_model import SessionModel
from tests.components.corpus import picture
from tests.components.toy_network import NAME, SIZE, WIDTH, make_network, write_published

PICTURES = [picture(label, seed, height=40, width=50) for seed, label in enumerate(("wall", "floor", "dot") * 11)]
"""More than are encoded together."""

type Make = Callable[..., SharedTower]


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return make_network()


@pytest.fixture(scope="module")
def make(network: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Make:
    file = tmp_path_factory.mktemp("network") / "toy.weights.h5"
    network.save_weights(file)

    def build(**settings: Any) -> SharedTower:
        told = {"type": "pretrained_image", "architecture": NAME, "weights": str(file), "size": SIZE} | settings
        tower = build_towers(PretrainedImageSettings.model_validate(told), ["image"])["image"]
        assert isinstance(tower, SharedTower)
        return tower

    return build


def test_raw_pictures_through_a_tf1_session_give_the_features_of_keras(
    make: Make, network: keras.Model, tmp_path: Path
) -> None:
    tower = make()

    def vector(raw: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"vector": tower(tower.featurize(raw))}

    def evaluate(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"bytes": tf.strings.length(examples)}

    export([tower], {"image_features": ("image", vector)}, "image_features", evaluate, str(tmp_path / "1"))
    served = SessionModel(tmp_path / "1")
    (vectors,) = served.run("image_features", ("vector",), [np.array(PICTURES, object)])
    served.close()
    pixels = tower.featurize(tf.constant(PICTURES)).numpy().astype(np.float32)
    features = network(pixels, training=False).numpy()  # it scales pixels itself
    expected = features / np.sqrt(np.mean(features**2, axis=1, keepdims=True))
    assert np.ptp(expected, axis=0).mean() > 0.1
    np.testing.assert_allclose(vectors, expected, atol=1e-4)
    stored = [name for name, shape in tf.train.list_variables(str(tmp_path / "1" / "variables" / "variables")) if shape]
    assert len(stored) == len(tower.weights)


@pytest.mark.parametrize(("layout", "classes"), [("keras 3", 0), ("keras 3", 7), ("published", 7), ("whole model", 0)])
def test_every_weight_comes_from_the_file(tmp_path: Path, layout: str, classes: int) -> None:
    saved = make_network(include_top=True, classes=classes) if classes else make_network(pooling=None)
    if layout == "keras 3":
        file = tmp_path / "toy.weights.h5"
        saved.save_weights(file)
    else:
        file = write_published(tmp_path / "toy.h5", saved, "/" if layout == "published" else "model_weights")
    assert classes_in(str(file), NAME) == classes
    for one, other in zip(load_backbone(NAME, SIZE, str(file)).get_weights(), saved.get_weights(), strict=not classes):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_is_said_of_a_network_is_so(name: Name) -> None:
    said = ARCHITECTURES[name]
    network = getattr(keras.applications, said.function)(
        weights=None, include_top=False, pooling="avg", input_shape=(32, 32, 3)
    )
    found = stages(network)
    assert (said.tensors, said.parameters) == (len(network.weights), network.count_params())
    assert (said.width, said.stages) == (network.output_shape[-1], len(found))
    assert [layer for stage in found for layer in stage] == [layer for layer in network.layers if layer.weights]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_pixels_are_scaled_as_each_network_was_trained(name: Name) -> None:
    """Those that scale by a layer of their own are given pixels as they are."""
    outside = name in {"mobilenet_v2", "resnet50_v2"}
    scaled = preprocess(name)(tf.constant([[[[0.0, 127.5, 255.0]]]]))
    assert scaled.numpy().ravel().tolist() == ([-1, 0, 1] if outside else [0, 127.5, 255])


def learn(tower: SharedTower, rate: float) -> dict[str, float]:
    """By weight, how far one step of Adam moved it at most."""
    keras.utils.set_random_seed(2)
    before = {weight.path: weight.numpy() for weight in tower.weights}
    optimizer = adam(rate, "constant", 1, tower.learning_rates())
    pictures = tower.featurize(tf.constant(PICTURES[:5]))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tower(pictures, training=True) * tf.random.normal([5, tower.dimensions]))
    variables = tower.trainable_variables
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    optimizer.apply(gradients, variables)
    return {weight.path: float(np.abs(weight.numpy() - before[weight.path]).max()) for weight in tower.weights}


@pytest.mark.parametrize("frozen", [2, 5])
def test_each_stage_learns_at_its_own_rate_unless_it_is_frozen(make: Make, frozen: int) -> None:
    """Adam's first step is as long as its learning rate, wherever the gradient is not close to 0."""
    tower = make(dimensions=3, rate=0.01, layer_decay=0.5, frozen_stages=frozen)
    expected = {"image_mobilenet_v3_small/projection": 0.2}
    for number, stage in enumerate(tower.body.stages):
        for weight in (weight for layer in stage for weight in layer.weights):
            still = number < frozen or "moving" in weight.path
            expected[weight.path] = 0 if still else 0.01 * 0.5 ** (4 - number)
    assert learn(tower, rate=0.2) == pytest.approx(expected, rel=1e-2)


def test_a_projection_is_to_the_directions_in_which_pictures_differ_most(make: Make) -> None:
    tower = make(dimensions=3)
    assert tower.body.projection is not None
    pictures = tf.constant(PICTURES[:6])
    tower.adapt([pictures[:4], pictures[4:]])
    pooled = tower.body.pooled(tower.featurize(pictures)).numpy()
    unit = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    np.testing.assert_allclose(np.abs(tower.body.projection), np.abs(np.linalg.svd(unit)[2][:3].T), atol=1e-4)


@pytest.mark.parametrize("layout", ["published", "keras 3"])
def test_a_tensor_of_another_shape_is_said(network: keras.Model, tmp_path: Path, layout: str) -> None:
    if layout == "published":
        file, kernel = write_published(tmp_path / "toy.h5", network), "conv/conv/kernel:0"
    else:
        file, kernel = tmp_path / "toy.weights.h5", "layers/conv2d/vars/0"
        network.save_weights(file)
    with h5py.File(file, "r+") as opened:
        values = opened[kernel][...]
        del opened[kernel]
        opened[kernel] = values.transpose(3, 2, 1, 0)
    with pytest.raises(UserError) as error:
        load_backbone(NAME, SIZE, str(file))
    assert str(error.value).startswith(f"{file} cannot be read as weights of {NAME}: ")
    assert "(16, 3, 3, 3)" in str(error.value)
    assert "\n" not in str(error.value)


def settings(file: Path | str, **more: Any) -> PretrainedImageSettings:
    return PretrainedImageSettings.model_validate(
        {"type": "pretrained_image", "architecture": NAME, "weights": str(file)} | more
    )


@pytest.fixture(scope="module")
def toy(network: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_published(tmp_path_factory.mktemp("toy") / "toy.h5", network)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"dimensions": WIDTH}, "dimensions is 576; at most 575 are allowed: fewer than mobilenet_v3_small's own"),
        ({"frozen_stages": 6}, "frozen_stages is 6; at most 5 are allowed: all stages of mobilenet_v3_small"),
        ({"size": (224, 31)}, "size.1\n  Input should be greater than or equal to 32"),
        ({"architecture": "vgg16"}, "Input should be 'mobilenet_v3_small', 'mobilenet_v3_large', "),
        (
            {"architecture": "mobilenet_v2"},
            "toy.h5 holds 206 tensors with 939,120 numbers, so it is not mobilenet_v2, which has 260 with 2,257,984, "
            "and then its classes if they are there",
        ),
    ],
)
def test_what_does_not_fit_is_said(toy: Path, more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        settings(toy, **more)


def test_a_file_that_cannot_be_weights_is_said(toy: Path, network: keras.Model, tmp_path: Path) -> None:
    content = toy.read_bytes()
    (tmp_path / "short.h5").write_bytes(content[:-1000])
    (tmp_path / "text.h5").write_text("not found")
    (tmp_path / "toy.weights.h5").write_bytes(content)
    (tmp_path / "toy.hdf5").write_bytes(content)
    with h5py.File(tmp_path / "other.h5", "w") as opened:
        opened["x"] = np.zeros(3)
    outer = keras.Sequential([network, keras.layers.Dense(7)])
    write_published(tmp_path / "outer.h5", outer)
    outer.save_weights(tmp_path / "outer.weights.h5")
    for name, message in {
        "none.h5": f"there is no file {tmp_path}/none.h5; give one with the weights of {NAME}, .weights.h5 or .h5",
        "short.h5": f"{tmp_path}/short.h5 is not a whole HDF5 file",
        "text.h5": f"{tmp_path}/text.h5 is not a whole HDF5 file",
        "other.h5": f"{tmp_path}/other.h5 holds no weights as Keras saves them",
        "outer.h5": f"{tmp_path}/outer.h5 holds a network inside another, MobileNetV3Small; save the weights",
        "outer.weights.h5": f"{tmp_path}/outer.weights.h5 holds a network inside another, functional; save the weights",
        "toy.weights.h5": f"{tmp_path}/toy.weights.h5 is laid out as by Keras 2, so its name must end in .h5",
        "toy.hdf5": f"{tmp_path}/toy.hdf5 is laid out as by Keras 2, so its name must end in .h5",
    }.items():
        with pytest.raises(ValueError, match=re.escape(message)):
            settings(tmp_path / name)


def test_classes_are_counted() -> None:
    direct = Architecture("X", "x", tensors=10, parameters=1000, width=20)
    through = Architecture("X", "x", tensors=10, parameters=1000, width=20, hidden=30)
    assert direct.classes(10, 1000) == 0
    assert direct.classes(12, 1000 + 21 * 6) == 6
    assert through.classes(14, 1000 + 30 * 21 + 31 * 6) == 6
    for tensors, parameters in ((12, 1000), (10, 1021), (12, 1022), (11, 1021), (12, 979)):
        assert direct.classes(tensors, parameters) is None
    assert through.classes(14, 1000 + 30 * 21) is None
