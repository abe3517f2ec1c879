"""A pretrained encoder's folder in the configuration: checked when it is read, relative to the file."""

from pathlib import Path

import pytest

from components.encoders.settings import PretrainedSettings
from components.train.settings import parse_settings
from pipeline.config import ConfigError, MatchConfig, load_config
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
