"""A pretrained encoder's folder or file in the configuration: checked when it is read, relative to the config."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from components.encoders.architectures import ARCHITECTURES
from components.encoders.settings import PretrainedImageSettings, PretrainedSettings
from components.train.settings import parse_settings
from pipeline.config import ClassifyConfig, ConfigError, MatchConfig, load_config
from pipeline.tuned_file import write_tuned
from tests.components.toy_preset import WIDTH, write_preset

CONFIG = """
name: toy
data: {path: rows.csv, columns: {question: q, answer: a}}
model:
  encoder: {type: pretrained, preset: models/toy}
"""


def test_a_relative_folder_is_found_beside_the_file(tmp_path: Path) -> None:
    write_preset(tmp_path / "models" / "toy")
    (tmp_path / "toy.yaml").write_text(CONFIG)
    config = load_config(tmp_path / "toy.yaml")
    assert isinstance(config, MatchConfig)
    encoder = config.model.encoder
    assert isinstance(encoder, PretrainedSettings)
    assert encoder.preset == str(tmp_path / "models" / "toy")
    assert encoder.vector_size == WIDTH
    assert parse_settings(config.trainer_settings.model_dump_json()) == config.trainer_settings


def test_a_missing_folder_is_one_sentence_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "toy.yaml").write_text(CONFIG)
    with pytest.raises(ConfigError) as error:
        load_config(tmp_path / "toy.yaml")
    assert str(error.value) == (
        f"{tmp_path}/toy.yaml: model.encoder.preset: got 'models/toy'; there is no folder {tmp_path}/models/toy;"
        " give one with config.json, vocab.txt, model.safetensors, or package:NAME"
    )


PICTURES = """
name: toy
task: classify
data: {path: pictures, format: images}
model:
  encoder: {type: pretrained_image, architecture: mobilenet_v3_small, weights: models/toy.h5}
"""


SMALL = ARCHITECTURES["mobilenet_v3_small"]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A config whose file of weights has the right number of tensors and numbers."""
    (tmp_path / "models").mkdir()
    with h5py.File(tmp_path / "models" / "toy.h5", "w") as opened:
        opened.attrs["layer_names"] = []
        for number in range(SMALL.tensors - 1):
            opened[f"layer{number}/kernel"] = np.zeros(1, np.float32)
        opened["last/kernel"] = np.zeros(SMALL.parameters - SMALL.tensors + 1, np.float32)
    config = tmp_path / "toy.yaml"
    config.write_text(PICTURES)
    return config


def test_a_relative_file_of_weights_is_found_beside_the_config(pictures: Path) -> None:
    config = load_config(pictures)
    assert isinstance(config, ClassifyConfig)
    encoder = config.model.encoder
    assert isinstance(encoder, PretrainedImageSettings)
    assert encoder.weights == str(pictures.parent / "models" / "toy.h5")
    assert encoder.vector_size == 576
    assert parse_settings(config.trainer_settings.model_dump_json()) == config.trainer_settings


def test_a_missing_file_of_weights_is_one_sentence(pictures: Path) -> None:
    file = pictures.parent / "models" / "toy.h5"
    file.unlink()
    with pytest.raises(ConfigError) as error:
        load_config(pictures)
    assert str(error.value) == (
        f"{pictures}: model.encoder.weights: got 'models/toy.h5'; there is no file {file};"
        " give one with the weights of mobilenet_v3_small, .weights.h5 or .h5"
    )


def test_a_file_of_weights_is_checked_without_tensorflow(pictures: Path) -> None:
    code = f"from pipeline.config import load_config; load_config({str(pictures)!r}); import sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "h5py" in loaded
    assert not {"tensorflow", "keras"} & set(loaded)


def test_a_step_that_learns_is_done_anew_for_other_weights_at_the_same_place(tmp_path: Path) -> None:
    from pipeline.create import create_pipeline

    folder = tmp_path / "models" / "toy"
    write_preset(folder)
    (tmp_path / "toy.yaml").write_text(CONFIG)
    (tmp_path / "rows.csv").write_text("q,a\nwhat,that\n")

    def told() -> object:
        """What the Trainer is told, which is part of its cache key."""
        steps = {step.id: step for step in create_pipeline(load_config(tmp_path / "toy.yaml")).components}
        return steps["train"].exec_properties["custom_config"]

    before = told()
    (folder / "README.md").write_text("of no account")
    assert told() == before
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x07")
    assert told() != before


def test_choices_of_a_range_are_found_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("toy", "other"):
        write_preset(tmp_path / "models" / name)
    ranges = "tune: {ranges: {model.encoder.preset: [models/toy, models/other]}}"
    (tmp_path / "toy.yaml").write_text(CONFIG + ranges)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    choices = load_config("../toy.yaml").tune.ranges["model.encoder.preset"].choices
    assert choices == [str(tmp_path / "models" / name) for name in ("toy", "other")]


def test_a_tuned_file_elsewhere_finds_the_preset(tmp_path: Path) -> None:
    write_preset(tmp_path / "models" / "toy")
    source = tmp_path / "toy.yaml"
    source.write_text(CONFIG)
    (tmp_path / "elsewhere").mkdir()
    file = tmp_path / "elsewhere" / "best.yaml"
    write_tuned(file, load_config(source), source, (), {"train.epochs": 4})
    assert "../models/toy" in file.read_text()
    found = load_config(file)
    assert isinstance(found, MatchConfig)
    assert isinstance(found.model.encoder, PretrainedSettings)
    assert Path(found.model.encoder.preset).resolve() == tmp_path / "models" / "toy"
