"""Runs the executor of ingest as the component would, and reads what it left behind."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tensorflow as tf
from apache_beam.pvalue import TaggedOutput
from tfx.types import standard_artifacts

from components.ingest.component import example_gen
from components.ingest.errors import DataError
from components.ingest.executor import Executor, Plan, SurveyBucket, SurveyUnit, WriteShard
from components.ingest.settings import DataSettings, LabelData, PairData
from components.ingest.source import locate
from components.ingest.summary import REJECTS_FILE, SUMMARY_FILE, Summary
from components.ingest.tally import Tally
from components.ingest.units import units_of
from pipeline.beam_settings import BeamSettings

SPLITS = ("train", "validation", "test")

type Example = dict[str, bytes]


class Ingested(NamedTuple):
    artifact: standard_artifacts.Examples
    examples: dict[str, list[Example]]
    summary: Summary
    rejects: list[dict[str, str]]

    @property
    def rows(self) -> list[Example]:
        """The examples of all splits."""
        return [row for split in SPLITS for row in self.examples[split]]

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows were set aside for each reason."""
        return {reason: rejected.rows for reason, rejected in self.summary.rejected.items()}

    def split_of(self, feature: str, value: bytes) -> set[str]:
        """The splits in which a feature has this value."""
        return {split for split, rows in self.examples.items() for row in rows if row[feature] == value}


def ingest(data: DataSettings, out: Path, rejects_path: Path | None = None) -> Ingested:
    """Runs it on what the component gives it."""
    assert isinstance(data, PairData | LabelData)
    component = example_gen(data, rejects_path=str(rejects_path) if rejects_path else None)
    artifact = standard_artifacts.Examples()
    artifact.uri = str(out)
    properties = {name: value for name, value in component.exec_properties.items() if value is not None}
    Executor(Executor.Context(beam_pipeline_args=BeamSettings().args)).Do({}, {"examples": [artifact]}, properties)
    with (out / REJECTS_FILE).open(newline="") as file:
        rejects = list(csv.DictReader(file))
    summary = Summary.model_validate_json((out / SUMMARY_FILE).read_text())
    features = (*data.parts, "id", "category", "group")
    return Ingested(artifact, {split: read_split(out, split, features) for split in SPLITS}, summary, rejects)


def read_split(out: Path, split: str, features: tuple[str, ...]) -> list[Example]:
    """The examples of one split, each of which has these features and no others, one value each."""
    files = sorted(str(path) for path in out.glob(f"Split-{split}/data_tfrecord-*-of-*.gz"))
    rows = []
    for data in tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator():
        example = tf.train.Example.FromString(data).features.feature
        assert set(example) == set(features)
        values = {name: list(example[name].bytes_list.value) for name in features}
        assert all(len(found) == 1 for found in values.values())
        rows.append({name: found[0] for name, found in values.items()})
    return rows


def refused(data: DataSettings, out: Path, rejects_path: Path | None = None) -> str:
    """The one sentence with which the run stops."""
    with pytest.raises(DataError) as caught:
        ingest(data, out, rejects_path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def ingest_by_hand(data: DataSettings, out: Path) -> tuple[Tally, dict[str, list[Example]]]:
    """What the executor does, in the order in which Beam may do it, without Beam: fast enough for many small runs."""
    source = locate(data)
    plan = Plan(data, units_of(source.files, source.format), str(out))
    total, buckets, left_out = Tally(), defaultdict(list), []

    def take(results: Iterable[Any]) -> Iterator[Any]:
        for result in results:
            if isinstance(result, TaggedOutput) and result.tag == "tally":
                total.add(result.value)
            elif isinstance(result, TaggedOutput):
                left_out.append(result.value)
            else:
                yield result

    for unit in enumerate(plan.units):
        for bucket, entries in take(SurveyUnit(plan).process(unit)):
            buckets[bucket].append(entries)
    for bucket in buckets.items():
        left_out.extend(take(SurveyBucket(data.parts).process(bucket)))
    WriteShard(plan).process((0, {"units": list(enumerate(plan.units)), "left_out": left_out}))
    features = (*data.parts, "id", "category", "group")
    return total, {split: read_split(out, split, features) for split in SPLITS}
