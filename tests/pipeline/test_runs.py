"""The history of a pipeline as a table, for each task; and what a file of a finished run is read as."""

import datetime
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ml_metadata.proto import metadata_store_pb2
from rich.console import Console

from components.evaluate.verdict import FILE as VERDICT_FILE
from components.evaluate.verdict import Metrics, Reference, Slice, Verdict
from components.ingest.summary import Summary
from components.rollbacks import roll_back
from pipeline import runs as module
from pipeline.config import ClassifyConfig, MatchConfig, PipelineConfig
from pipeline.facts import Facts, read_facts
from pipeline.history import Run
from pipeline.runs import show_runs

START = datetime.datetime(2026, 3, 4, 5, 6, 7, tzinfo=datetime.UTC)
INGEST = Summary(
    files=["x"], rows=90, kept={"train": 70, "validation": 9, "test": 8}, duplicates=3, rejected={}, distinct={}
)
NOTHING = Facts(ingest=None, training=None, verdict=None, serves=None, refusal="", pushed=None, unchanged=None)


def verdict(metrics: Metrics, *, blessed: bool = True) -> Verdict:
    return Verdict(
        blessed=blessed,
        production_version=None,
        rows=8,
        metrics=metrics,
        production=None,
        reference=None,
        checks=[],
        slices=[],
    )


def config(task: str, folder: Path) -> PipelineConfig:
    kind = MatchConfig if task == "match" else ClassifyConfig
    return kind.model_validate({"name": "faq", "task": task, "output": str(folder), "data": {"path": "x.csv"}})


def shown(settings: PipelineConfig) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    show_runs(settings, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize(
    ("task", "metrics", "headings", "figures"),
    [
        ("match", {"recall@1": 0.25, "recall@5": 0.7, "mrr": 0.5}, ["mrr", "recall@1"], ["0.500", "0.250"]),
        ("classify", {"accuracy": 0.75, "ece": 0.031, "mrr": 0.1}, ["accuracy", "ece"], ["0.750", "0.031"]),
    ],
)
def test_runs_are_shown_with_the_figures_of_their_task(
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    metrics: Metrics,
    headings: list[str],
    figures: list[str],
) -> None:
    settings = config(task, tmp_path)
    (settings.serving_folder / "1795").mkdir(parents=True)
    pushed = replace(NOTHING, ingest=INGEST, verdict=verdict(metrics), serves=True, pushed="1795")
    refused = replace(NOTHING, ingest=INGEST, verdict=verdict(metrics, blessed=False))
    history = [
        Run("c", START, 3.25, None, refused),
        Run("b", START, 12.0, None, pushed),
        Run("a", START, 1.0, "train", replace(NOTHING, ingest=INGEST)),
    ]
    monkeypatch.setattr(module, "read_runs", lambda _: history)
    heading, *lines = shown(settings)
    assert heading.split() == ["started", "seconds", "rows", *headings, "outcome"]
    assert [line.split()[2:] for line in lines] == [
        ["3.2", "87", *figures, "refused", "by", "gate"],
        ["12.0", "87", *figures, "pushed", "1795", "←", "in", "production"],
        ["1.0", "87", "stopped", "in", "train"],
    ]


def test_rollbacks_are_shown_and_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = config("match", tmp_path)
    for version in ("1795", "1796"):
        (settings.serving_folder / version).mkdir(parents=True)
    history = [
        Run(version, START + datetime.timedelta(days=day), 2.0, None, replace(NOTHING, pushed=version))
        for day, version in enumerate(("1795", "1796"))
    ][::-1]
    monkeypatch.setattr(module, "read_runs", lambda _: history)
    done = roll_back(settings.serving_folder, 1795)
    _, *lines = shown(settings)
    assert [line.split()[2:] for line in lines] == [
        f"rollback to 1795, as {done.version}".split(),
        ["2.0", "pushed", "1796", "←", "rolled", "back"],
        f"2.0 pushed 1795 ← in production, as {done.version}".split(),
    ]


def test_without_runs_the_command_that_makes_one_is_named(tmp_path: Path) -> None:
    assert shown(config("classify", tmp_path)) == ["faq was not run yet; `anchorline run` does it"]


class _Artifact:
    def __init__(self, uri: Path) -> None:
        self.uri = str(uri)
        self.custom_properties: Mapping[str, Any] = {}


def test_a_verdict_is_read_back_with_what_is_not_a_number(tmp_path: Path) -> None:
    """The distance ratio of one label alone is undefined."""
    written = verdict({"accuracy": 0.5, "distance_ratio": 0.7}).model_copy(
        update={
            "reference": Reference(name="5-NN on pixels", metrics={"accuracy": 0.4}),
            "slices": [Slice(by="label", name="3", rows=2, metrics={"accuracy": 0.5, "distance_ratio": float("nan")})],
        }
    )
    written.write(str(tmp_path))
    assert "NaN" in (tmp_path / VERDICT_FILE).read_text(encoding="utf-8")
    (tmp_path / "training.json").write_text(json.dumps({"task": "classify", "labels": ["3", "8"]}), encoding="utf-8")
    artifact = _Artifact(tmp_path)
    facts = read_facts({"evaluate": {"evaluation": artifact}, "train": {"model_run": artifact}})
    assert facts.verdict is not None
    (label,) = facts.verdict.slices
    assert (label.by, label.name, label.rows, label.metrics["accuracy"]) == ("label", "3", 2, 0.5)
    assert label.metrics["distance_ratio"] != label.metrics["distance_ratio"]
    assert facts.verdict.metrics == written.metrics
    assert facts.verdict.reference == written.reference
    assert facts.training == {"task": "classify", "labels": ["3", "8"]}


@pytest.mark.parametrize(
    ("key", "outcome"),
    [
        ("pushed_version", "pushed 1795"),
        ("unchanged", "same as 1795"),
        ("withdrawn", "same as 1795, which was rolled back"),
    ],
)
def test_what_a_push_came_to_is_read_back(key: str, outcome: str) -> None:
    pushed = metadata_store_pb2.Artifact()
    pushed.custom_properties[key].string_value = "1795"
    assert read_facts({"push": {"pushed_model": pushed}}).outcome == outcome


def test_runs_of_another_task_have_no_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = config("classify", tmp_path)
    history = [Run("a", START, 1.0, None, replace(NOTHING, verdict=verdict({"mrr": 0.5}), pushed="3"))]
    monkeypatch.setattr(module, "read_runs", lambda _: history)
    _, line = shown(settings)
    assert "pushed 3" in line
    assert "0.5" not in line
