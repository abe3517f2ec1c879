"""The schema of data with pictures, from TFX's own statistics to its own validation."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.statistics_gen.executor import Executor as StatisticsExecutor
from tfx.types import Artifact, artifact_utils, standard_artifacts
from tfx.types import standard_component_specs as specs

from components.anomalies.executor import AnomalyError
from components.anomalies.executor import Executor as AnomaliesExecutor
from components.schema.component import FILE, CommittedSchema, InferSchema, SchemaError

SPLITS = {"train": 5, "validation": 2, "test": 3}
TEXTS = ("label", "id", "category", "group")

type Statistics = Callable[..., Artifact]


def artifact(kind: type[Artifact], folder: Path, splits: list[str] | None = None) -> Artifact:
    made = kind()
    made.uri = str(folder)
    if splits is not None:
        made.split_names = artifact_utils.encode_split_names(splits)
    return made


@pytest.fixture(scope="module")
def statistics(tmp_path_factory: pytest.TempPathFactory, beam: Any) -> Artifact:
    """Of pictures and labels, as the pipeline has them made: without the pictures."""
    folder = tmp_path_factory.mktemp("statistics")
    for split, rows in SPLITS.items():
        (folder / f"examples/Split-{split}").mkdir(parents=True)
        with tf.io.TFRecordWriter(str(folder / f"examples/Split-{split}/data-00000-of-00001.gz"), "GZIP") as writer:
            for row in range(rows):
                features = {name: f"{name} {row}" if name != "category" else "" for name in TEXTS}
                example = tf.train.Example()
                for name, value in features.items():
                    example.features.feature[name].bytes_list.value.append(value.encode())
                example.features.feature["image"].bytes_list.value.append(b"\x89PNG\xff\0" * 1000)
                writer.write(example.SerializeToString())
    made = artifact(standard_artifacts.ExampleStatistics, folder / "statistics", list(SPLITS))
    StatisticsExecutor(beam).Do(
        {specs.EXAMPLES_KEY: [artifact(standard_artifacts.Examples, folder / "examples", list(SPLITS))]},
        {specs.STATISTICS_KEY: [made]},
        {specs.STATS_OPTIONS_JSON_KEY: tfdv.StatsOptions(feature_allowlist=list(TEXTS)).to_json()},
    )
    return made


def infer(statistics: Artifact, folder: Path, *pictures: str) -> Artifact:
    made = artifact(standard_artifacts.Schema, folder / "deep/schema")
    executor = InferSchema.EXECUTOR_SPEC.executor_class()
    executor.Do({"statistics": [statistics]}, {"schema": [made]}, {"pictures": json.dumps(pictures)})
    return made


def commit(text: str, folder: Path) -> Artifact:
    """What CommittedSchema makes of a text."""
    made = artifact(standard_artifacts.Schema, folder / "imported")
    CommittedSchema.EXECUTOR_SPEC.executor_class().Do({}, {"schema": [made]}, {"text": text})
    return made


def read(schema: Artifact) -> schema_pb2.Schema:
    return text_format.Parse(Path(schema.uri, FILE).read_text(encoding="utf-8"), schema_pb2.Schema())


def validate(statistics: Artifact, schema: Artifact, folder: Path) -> None:
    found = artifact(standard_artifacts.ExampleAnomalies, folder / "anomalies")
    AnomaliesExecutor().Do(
        {specs.STATISTICS_KEY: [statistics], specs.SCHEMA_KEY: [schema]}, {specs.ANOMALIES_KEY: [found]}, {}
    )


def test_no_statistics_are_made_of_pictures(statistics: Artifact) -> None:
    for split, rows in SPLITS.items():
        found = tfdv.load_stats_binary(f"{statistics.uri}/Split-{split}/FeatureStats.pb").datasets[0]
        assert found.num_examples == rows
        assert sorted(feature.path.step[0] for feature in found.features) == sorted(TEXTS)


def test_a_picture_is_bytes_of_any_shape_beside_the_inferred_features(statistics: Artifact, tmp_path: Path) -> None:
    features = {feature.name: feature for feature in read(infer(statistics, tmp_path, "image")).feature}
    assert sorted(features) == sorted(["image", *TEXTS])
    assert features["image"] == schema_pb2.Feature(name="image", type=schema_pb2.BYTES)
    for name in TEXTS:
        assert features[name].type == schema_pb2.BYTES
        assert [dim.size for dim in features[name].shape.dim] == [1]
        assert features[name].presence.min_fraction == 1


def test_every_picture_that_is_named_is_there_and_none_else(statistics: Artifact, tmp_path: Path) -> None:
    both = read(infer(statistics, tmp_path / "both", "question", "answer"))
    assert [feature.name for feature in both.feature][-2:] == ["question", "answer"]
    none = read(infer(statistics, tmp_path / "none"))
    assert sorted(feature.name for feature in none.feature) == sorted(TEXTS)


def test_the_inferred_schema_finds_no_anomaly_in_its_own_data(statistics: Artifact, tmp_path: Path) -> None:
    validate(statistics, infer(statistics, tmp_path, "image"), tmp_path)


def test_an_inferred_schema_may_be_committed(statistics: Artifact, tmp_path: Path) -> None:
    inferred = infer(statistics, tmp_path, "image")
    committed = commit(Path(inferred.uri, FILE).read_text(encoding="utf-8"), tmp_path)
    assert read(committed) == read(inferred)
    validate(statistics, committed, tmp_path)


def test_a_committed_schema_still_finds_what_is_wrong_beside_the_pictures(statistics: Artifact, tmp_path: Path) -> None:
    schema = read(infer(statistics, tmp_path, "image"))
    label = next(feature for feature in schema.feature if feature.name == "label")
    label.string_domain.value.extend(["label 0", "label 1"])
    with pytest.raises(AnomalyError) as raised:
        validate(statistics, commit(text_format.MessageToString(schema), tmp_path), tmp_path)
    title, *lines = str(raised.value).splitlines()
    assert title == "the data has 2 anomalies:"
    assert [line.split(":")[0] for line in lines] == ["  train, label", "  test, label"]
    assert "label 4" in lines[0]


def test_a_text_that_is_no_schema_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"the schema \(schema_path\) is not a Schema in text format: .*featur"):
        commit('featur { name: "text" }', tmp_path)
    assert not (tmp_path / "imported").exists()
