from pathlib import Path
from typing import Any

import pytest
import yaml

from components.encoders.settings import BagSettings, CnnSettings, EmbeddingBagSettings, EncoderSettings, LstmSettings
from components.errors import UserError
from components.evaluate.settings import Gate
from components.ingest.source import locate
from components.train.settings import ClassifyTrainer, ExportSettings, MatchExportSettings, MatchTrainer
from pipeline.config import ClassifyConfig, ConfigError, MatchConfig, load_config

MINIMAL: dict[str, Any] = {"name": "faq", "data": {"path": "faq.csv"}}
CLASSIFY: dict[str, Any] = {"name": "faq", "task": "classify", "data": {"path": "news", "format": "texts"}}
PICTURES: dict[str, Any] = {"name": "faq", "task": "classify", "data": {"path": "digits", "format": "images"}}


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
    assert config.model.encoder == LstmSettings(units=8)


def test_the_task_chooses_metrics_and_what_the_trainer_is_told(tmp_path: Path) -> None:
    match = load_config(write(tmp_path, MINIMAL | {"candidates": 3, "seed": 7}))
    assert isinstance(match, MatchConfig)
    assert match.metrics == ("recall@1", "recall@5", "recall@10", "mrr")
    assert set(match.headlines) <= set(match.metrics)
    assert match.gates == {"mrr": Gate(max_drop=0.01)}
    texts = {"question": "text", "answer": "text"}
    assert match.trainer_settings == MatchTrainer.model_validate(
        {"inputs": texts, "model": match.model, "train": match.train, "seed": 7, "candidates": 3}
    )
    classify = load_config(write(tmp_path, CLASSIFY | {"neighbors": 9, "gates": {"ece": {"max": 0.1, "max_rise": 0}}}))
    assert isinstance(classify, ClassifyConfig)
    assert classify.metrics == ("accuracy", "neighbor_accuracy", "ece", "distance_ratio")
    assert set(classify.headlines) <= set(classify.metrics)
    assert classify.gates == {"ece": Gate(max=0.1, max_rise=0.0)}
    assert classify.trainer_settings == ClassifyTrainer.model_validate(
        {"inputs": {"text": "text"}, "model": classify.model, "train": classify.train, "seed": 1, "neighbors": 9}
    )
    assert load_config(write(tmp_path, CLASSIFY)).gates == {"accuracy": Gate(max_drop=0.01)}


def test_the_trainer_is_told_how_to_write_the_model(tmp_path: Path) -> None:
    match = load_config(write(tmp_path, MINIMAL | {"export": {"weights": "int8", "dimensions": 256}}))
    assert match.trainer_settings.export == MatchExportSettings(weights="int8", dimensions=256)
    classify = load_config(write(tmp_path, CLASSIFY | {"export": {"weights": "float16"}}))
    assert classify.trainer_settings.export == ExportSettings(weights="float16")


@pytest.mark.parametrize(
    ("content", "encoders"),
    [
        (MINIMAL, {"question": BagSettings(), "answer": BagSettings()}),
        (
            MINIMAL | {"data": {"path": "x.csv", "images": ["question", "answer"]}},
            {"question": CnnSettings(), "answer": CnnSettings()},
        ),
        (
            MINIMAL
            | {"data": {"path": "x.csv", "images": ["answer"]}}
            | {"model": {"question_encoder": {"type": "lstm"}, "answer_encoder": {"type": "cnn"}}},
            {"question": LstmSettings(), "answer": CnnSettings()},
        ),
        (CLASSIFY, {"text": EmbeddingBagSettings()}),
        (PICTURES, {"image": CnnSettings()}),
        (
            CLASSIFY | {"data": {"path": "x.csv", "columns": {"image": "file", "label": "digit"}}},
            {"image": CnnSettings()},
        ),
    ],
)
def test_encoders_are_those_of_what_is_read(
    tmp_path: Path, content: dict[str, Any], encoders: dict[str, EncoderSettings]
) -> None:
    config = load_config(write(tmp_path, content))
    assert config.model.encoders(config.data.inputs) == encoders


BAG_AND_LSTM = {"question_encoder": {"type": "bag"}, "answer_encoder": {"type": "lstm"}}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (MINIMAL | {"task": "rank"}, "task: got 'rank'; allowed are match, classify"),
        (MINIMAL | {"task": ["match"]}, "task: got ['match']; allowed are match, classify"),
        (MINIMAL | {"task": None}, "task: got None; allowed are match, classify"),
        (MINIMAL | {"neighbors": 3}, "neighbors: unknown key; allowed are name, task,"),
        (CLASSIFY | {"candidates": 3}, "candidates: unknown key; allowed are name, task,"),
        (
            CLASSIFY | {"gates": {"accuracy": {}}},
            "gates.accuracy: has no bound and would stop nothing; it takes min and max_drop",
        ),
        (
            CLASSIFY | {"gates": {"ece": {"min": 0.1}}},
            "gates.ece.min: got 0.1; ece is better when smaller: it takes max and max_rise",
        ),
        (
            CLASSIFY | {"gates": {"accuracy": {"min": 0.9}, "distance_ratio": {"max_drop": 0}}},
            "gates.distance_ratio.max_drop: got 0; distance_ratio is better when smaller: it takes max and max_rise",
        ),
        (
            CLASSIFY | {"gates": {"neighbor_accuracy": {"max": 0}}},
            "gates.neighbor_accuracy.max: got 0; neighbor_accuracy is better when larger: it takes min and max_drop",
        ),
        (
            MINIMAL | {"gates": {"mrr": {"max_rise": 0.25}}},
            "gates.mrr.max_rise: got 0.25; mrr is better when larger: it takes min and max_drop",
        ),
        (
            CLASSIFY | {"gates": {"mrr": {"min": 0.1}}},
            "gates.mrr: got 'mrr'; should be 'accuracy', 'neighbor_accuracy'",
        ),
        (MINIMAL | {"gates": {"ece": {"max": 0.1}}}, "gates.ece: got 'ece'; should be 'recall@1', 'recall@5'"),
        (CLASSIFY | {"gates": {"ece": {"mix": 0.1}}}, "gates.ece.mix: unknown key; did you mean min?"),
        (
            MINIMAL | {"model": {"encoder": {"type": "cnn"}}},
            "model: encoder is cnn, which reads pictures, but question is a text",
        ),
        (
            PICTURES | {"model": {"encoder": {"type": "bag"}}},
            "model: encoder is bag, which reads texts, but the input is a picture",
        ),
        (
            MINIMAL | {"model": {"question_encoder": {"type": "bag"}}},
            "model: give either encoder, or both question_encoder and answer_encoder",
        ),
        (
            MINIMAL | {"model": BAG_AND_LSTM},
            "model: question_encoder makes vectors of 1024 numbers and answer_encoder of 64; they must be the same",
        ),
        (
            MINIMAL | {"data": {"path": "x.csv", "images": ["question"]}},
            "model: question and answer differ in kind; give question_encoder and answer_encoder",
        ),
        (
            CLASSIFY | {"model": {"answer_encoder": {"type": "bag"}}},
            "model.answer_encoder: unknown key; did you mean encoder?",
        ),
        (
            PICTURES | {"model": {"encoder": {"type": "cnn", "augmentation": {"flap": True}}}},
            "model.encoder.augmentation.flap: unknown key; did you mean flip?",
        ),
        (
            PICTURES | {"model": {"encoder": {"type": "cnn", "size": [28]}}},
            "model.encoder.size.1: is missing",
        ),
        (
            PICTURES | {"model": {"encoder": {"type": "cnn", "filters": [8, 0]}}},
            "model.encoder.filters.1: got 0; should be greater than or equal to 1",
        ),
        (
            MINIMAL | {"task": "match", "data": {"path": "x", "format": "images"}},
            "data.format: got 'images'; should be 'auto', 'csv',",
        ),
        (
            CLASSIFY | {"data": {"path": "x", "columns": {"question": "q"}}},
            "data.columns.question: unknown key; allowed are id, category, text, image, label, group",
        ),
        (
            MINIMAL | {"data": {"path": "x", "images": ["label"]}},
            "data.images.0: got 'label'; should be 'question' or 'answer'",
        ),
        (
            MINIMAL | {"model": {"nested_dimensions": [64, 2048]}},
            "model: nested_dimensions has 2048; vectors have 1024 numbers, it must be less",
        ),
        (
            MINIMAL | {"export": {"dimensions": 1025}},
            "export.dimensions: got 1025; vectors have 1024 numbers, it can be no more",
        ),
        (MINIMAL | {"export": {"weights": "int4"}}, "export.weights: got 'int4'; should be 'float32', 'float16' or"),
        (CLASSIFY | {"export": {"dimensions": 8}}, "export.dimensions: unknown key; allowed are weights"),
        (CLASSIFY | {"model": {"loss": {"type": "cosine_triplet"}}}, "model.loss.type: got 'cosine_triplet'; allowed"),
        (MINIMAL | {"model": {"loss": {"type": "center"}}}, "model.loss.type: got 'center'; allowed are 'cosine_trip"),
    ],
)
def test_what_does_not_fit_is_one_line_with_its_key(tmp_path: Path, content: dict[str, Any], expected: str) -> None:
    text = message(tmp_path, content)
    assert text.startswith(f"{tmp_path}/faq.yaml: {expected}")
    assert "\n" not in text


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
        (
            {"model": {"loss": {"type": "circle", "margin_growth": {"start": 0.1}}}},
            "model.loss.margin_growth: got {'start': 0.1}; give either steps or epochs",
        ),
        (
            {"model": {"loss": {"type": "circle", "margin_growth": {"start": 0.5, "steps": 9}}}},
            "model.loss: got {'margin_growth': {'start': 0.5, 'steps': 9}, 'type': 'ci…; margin_growth: start is 0.5",
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
        ("name: 2024-13-45", "is not valid YAML: month must be in 1..12"),
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


def test_labels_without_a_task_get_a_hint(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("name: kinds\ndata: {path: pictures, format: images}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    first, hint = str(caught.value).splitlines()
    assert first.startswith(f"{file}: data.format: got 'images'")
    assert hint == f"{file}: task: is not given and so match; to learn labels of texts or pictures add `task: classify`"
    file.write_text("name: kinds\ndata: {path: faq.csv, columns: {anwser: a}}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert "add `task: classify`" not in str(caught.value)


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ({"resources": {"trian": {"cpu": 1}}}, "kubeflow.resources.trian: got 'trian'; "),
        (
            {"resources": {"train": {"memory": "4 GB"}}},
            "kubeflow.resources.train.memory: got '4 GB'; allowed are a number",
        ),
        ({"resources": {"train": {"cpus": 1}}}, "kubeflow.resources.train.cpus: unknown key; did you mean cpu?"),
        ({"pipeline_root": "/var/artifacts"}, "kubeflow.pipeline_root: got '/var/artifacts'; allowed are minio://"),
        ({"volumes": {"claim": "models"}}, "kubeflow.volumes.claim: got 'models'; must begin with /"),
        ({"retries": {"count": -1}}, "kubeflow.retries.count: got -1; should be greater than or equal to 0"),
        ({"cache": True}, "kubeflow.cache: unknown key; did you mean caching?"),
    ],
)
def test_what_kubeflow_cannot_use_is_refused(tmp_path: Path, section: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_config(write(tmp_path, MINIMAL | {"kubeflow": section}))
    assert sentence in str(refused.value)


TUNED: dict[str, Any] = MINIMAL | {
    "model": {"encoder": {"type": "bag"}, "loss": {"type": "multiple_negatives_ranking"}}
}


@pytest.mark.parametrize(
    ("ranges", "says"),
    [
        ({"train.learning_rat": [1]}, "train.learning_rat: unknown key; did you mean learning_rate?"),
        ({"train.learning_rate": {"min": 0, "max": 1}}, "train.learning_rate: got 0.0; should be greater than 0"),
        (
            {"train.epochs": [3, 2.5]},
            "train.epochs: got 2.5; should be a valid integer, got a number with",
        ),
        ({"model.encoder.units": [3]}, "model.encoder.units: unknown key"),
        (
            {"model.encoder.buckets": {"min": 2048, "max": 1e9}},
            "model.encoder.buckets: got 1000000000.0; should be",
        ),
        ({"model.loss.type": ["center"]}, "model.loss.type: got 'center'; allowed are"),
        ({"model.encoder": [{"type": "cnn"}]}, "encoder is cnn, which reads pictures, but question is a text"),
        ({"train.epochs": {"min": 1, "max": 3, "step": 0.5}}, "takes whole numbers, so step cannot be 0.5"),
        ({"train.epochs.x": [1]}, "train.epochs.x"),
        ({"train.epochs": {"min": 3}}, "give min and max, or a list of values"),
        ({"train.epochs": 3}, "there must be keys and values"),
        ({"data.path": ["x"]}, "data.path cannot be tuned"),
    ],
)
def test_every_end_of_a_range_is_tried_when_the_file_is_read(tmp_path: Path, ranges: dict[str, Any], says: str) -> None:
    told = message(tmp_path, TUNED | {"tune": {"ranges": ranges}})
    assert says in told
    assert "tune.ranges" in told
    assert len(told.splitlines()) == 1


def test_a_range_must_go_together_with_the_rest_of_the_file(tmp_path: Path) -> None:
    ranges = {"model.encoder.dimensions": [64, 256]}
    told = message(tmp_path, TUNED | {"export": {"dimensions": 128}, "tune": {"ranges": ranges}})
    assert "tune.ranges.model.encoder.dimensions: export.dimensions: got 128; vectors have 64 numbers" in told


def test_ranges_of_every_kind_are_taken(tmp_path: Path) -> None:
    ranges = {
        "train.learning_rate": [None, 0.1],
        "model.loss.scale": {"min": 5, "max": 50},
        "model.encoder.ngrams": [[3]],
    }
    config = load_config(write(tmp_path, TUNED | {"tune": {"trials": 3, "ranges": ranges}}))
    assert config.tune.ranges.keys() == ranges.keys()
    assert load_config(write(tmp_path, MINIMAL)).tune.ranges == {}


def test_addresses_are_told_from_paths(tmp_path: Path) -> None:
    assert "output: got 'gs://bucket/out'; must be a folder of this machine" in message(
        tmp_path, MINIMAL | {"output": "gs://bucket/out"}
    )
    config = load_config(write(tmp_path, MINIMAL | {"data": {"path": "s3://bucket/x.csv"}}))
    with pytest.raises(UserError, match=r"data\.path is s3://bucket/x\.csv, but only files of this machine are read"):
        locate(config.data)


def test_a_value_that_yaml_cannot_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--set name=2024-13-45: the value is not valid YAML"):
        load_config(write(tmp_path, MINIMAL), ["name=2024-13-45"])
