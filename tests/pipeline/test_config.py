from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config import ConfigError, load_config

MINIMAL: dict[str, Any] = {"name": "faq", "data": {"path": "faq.csv"}}


def write(folder: Path, content: dict[str, Any] | str) -> Path:
    file = folder / "faq.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return file


def message(folder: Path, content: dict[str, Any] | str, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(write(folder, content), overrides)
    return str(caught.value)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, MINIMAL | {"schema_path": "s/schema.pbtxt"}))
    assert config.data.path == str(tmp_path / "faq.csv")
    assert config.schema_path == str(tmp_path / "s/schema.pbtxt")
    assert config.output_folder == tmp_path / "out" / "faq"
    assert config.serving_folder == tmp_path / "out" / "faq" / "serving" / "faq"


def test_package_paths_and_absolute_paths_stay(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, MINIMAL | {"data": {"path": "package:a/b.csv"}, "output": "/srv/x"}))
    assert config.data.path == "package:a/b.csv"
    assert str(config.output_folder) == "/srv/x"


def test_overrides_win_and_are_yaml(tmp_path: Path) -> None:
    file = write(tmp_path, MINIMAL | {"train": {"epochs": 3}})
    config = load_config(file, ["train.epochs=7", "gates.recall@1.min=0.4", "model.encoder={type: lstm, units: 8}"])
    assert config.train.epochs == 7
    assert config.gates["recall@1"].min == 0.4
    assert config.model.encoder.type == "lstm"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"trian": {"epochs": 3}}, "trian: unknown key; did you mean train?"),
        ({"zebra": 1}, "zebra: unknown key; allowed are name, task,"),
        ({"train": {"epoch": 3}}, "train.epoch: unknown key; did you mean epochs?"),
        (
            {"data": {"path": "x.csv", "columns": {"anwser": "a"}}},
            "data.columns.anwser: unknown key; did you mean answer?",
        ),
        ({"train": {"epochs": "many"}}, "train.epochs: got 'many'; should be a valid integer"),
        ({"train": {"epochs": 0}}, "train.epochs: got 0; should be greater than or equal to 1"),
        ({"model": {"loss": {"type": "hinge"}}}, "model.loss.type: got 'hinge'; allowed are 'cosine_triplet'"),
        ({"model": {"loss": {"margin": 1}}}, "model.loss.type: is missing"),
        ({"model": {"loss": {"type": "cosine_triplet", "margin": -1}}}, "model.loss.margin: got -1;"),
        (
            {"model": {"loss": {"type": "cosine_triplet", "scale": 2}}},
            "model.loss.scale: unknown key; allowed are type, margin",
        ),
        ({"model": {"encoder": {"type": "lstm", "unit": 2}}}, "model.encoder.unit: unknown key; did you mean units?"),
        ({"gates": {"recall@3": {"min": 0.5}}}, "gates.recall@3: got 'recall@3'; should be 'recall@1'"),
        ({"gates": {"mrr": {"mn": 0.5}}}, "gates.mrr.mn: unknown key; did you mean min?"),
        ({"gates": {"mrr": {"min": 1.5}}}, "gates.mrr.min: got 1.5; should be less than or equal to 1"),
        ({"name": "Not A Name"}, "name: got 'Not A Name'; allowed are up to 63 lower-case letters"),
        ({"model": {"encoder": "lstm"}}, "model.encoder: got 'lstm'; there must be keys and values"),
        ({"gates": {"mrr": 0.2}}, "gates.mrr: got 0.2; there must be keys and values"),
        ({"seed": True, "name": 3}, "name: got 3; should be a valid string"),
    ],
)
def test_wrong_values_are_named(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    assert f"faq.yaml: {expected}" in message(tmp_path, MINIMAL | change)


def test_a_missing_key_is_named_with_its_misspelling(tmp_path: Path) -> None:
    text = message(tmp_path, {"name": "faq", "data": {"paht": "x"}})
    assert "data.path: is missing; is paht a misspelling of it?" in text
    assert "data.paht: unknown key; did you mean path?" in text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a: [1", "is not valid YAML in line 1"),
        ("name: a\nname: b", "is not valid YAML in line 2, column 1: the key name is there twice"),
        ("train: {epochs: 1, epochs: 2}", "the key epochs is there twice"),
        ("- 1", "must hold keys and values, but holds [1]"),
        ("", "must hold keys and values, but holds None"),
        ("name: !!python/object:os.system {}", "is not valid YAML"),
    ],
)
def test_files_that_are_no_configuration(tmp_path: Path, content: str, expected: str) -> None:
    assert expected in message(tmp_path, content)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load_config(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(ConfigError, match="byte 6 is not UTF-8"):
        load_config(tmp_path / "binary.yaml")


@pytest.mark.parametrize("override", ["train", "=3", "train.epochs"])
def test_overrides_must_look_like_key_and_value(tmp_path: Path, override: str) -> None:
    assert "must look like a.b=value" in message(tmp_path, MINIMAL, override)


def test_overrides_cannot_go_into_a_value(tmp_path: Path) -> None:
    assert "name is 'faq', not a group of keys" in message(tmp_path, MINIMAL, "name.x=1")
