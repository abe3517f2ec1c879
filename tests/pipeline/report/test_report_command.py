"""The command against a metadata store made here."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from rich.console import Console

from components.errors import UserError
from components.evaluate.verdict import Verdict
from pipeline.config import ClassifyConfig, PipelineConfig
from pipeline.report.command import report
from pipeline.report.stored import last_judged_run
from tests.pipeline.report.building import verdict

COMPLETE, CACHED, FAILED = mlmd.Execution.COMPLETE, mlmd.Execution.CACHED, mlmd.Execution.FAILED


class Store:
    """A metadata store as TFX fills it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        connection = mlmd.ConnectionConfig()
        connection.sqlite.filename_uri = str(folder / "metadata.sqlite")
        connection.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        self.store = MetadataStore(connection)

    def add(self, run: str, steps: Sequence[tuple[str, int]], judged: Verdict | None) -> None:
        """One run: its steps with their states; what is ingested and judged lies in folders named after the run."""
        context = self._context("pipeline_run", run)
        for name, state in steps:
            node = self._context("node", f"news.{name}")
            outputs = self._outputs(run, name, judged)
            execution = mlmd.Execution(type_id=self._type("execution", name), last_known_state=state)
            execution.custom_properties["code_version"].string_value = f"{name} of {run}"
            self.store.put_execution(execution, outputs, [context, node])

    def _outputs(self, run: str, name: str, judged: Verdict | None) -> Sequence[tuple[mlmd.Artifact, mlmd.Event]]:
        folder = self.folder / run / name
        folder.mkdir(parents=True)
        key = {"ingest": "examples", "evaluate": "evaluation", "train": "model"}[name]
        artifact = mlmd.Artifact(type_id=self._type("artifact", key), uri=str(folder))
        if name == "ingest":
            artifact.custom_properties["input_fingerprint"].string_value = f"data of {run}"
        if name == "evaluate" and judged:
            judged.write(str(folder))
        event = mlmd.Event(type=mlmd.Event.OUTPUT)
        event.path.steps.add(key=key)
        return [(artifact, event)]

    def _type(self, kind: str, name: str) -> int:
        if kind == "execution":
            return int(self.store.put_execution_type(mlmd.ExecutionType(name=name)))
        return int(self.store.put_artifact_type(mlmd.ArtifactType(name=name)))

    def _context(self, kind: str, name: str) -> mlmd.Context:
        known = self.store.get_context_by_type_and_name(kind, name)
        if known is None:
            type_id = self.store.put_context_type(mlmd.ContextType(name=kind))
            self.store.put_contexts([mlmd.Context(type_id=type_id, name=name)])
            known = self.store.get_context_by_type_and_name(kind, name)
        return known


ALL = [("ingest", CACHED), ("train", COMPLETE), ("evaluate", COMPLETE)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def config(folder: Path) -> PipelineConfig:
    known: Mapping[str, object] = {
        "name": "news",
        "task": "classify",
        "output": str(folder),
        "data": {"path": "news.csv"},
    }
    return ClassifyConfig.model_validate(known)


def test_the_last_judged_run_is_found_with_its_steps_and_data(store: Store, tmp_path: Path) -> None:
    store.add("first", ALL, verdict())
    store.add("second", ALL, verdict(blessed=True))
    store.add("third", [("ingest", COMPLETE), ("train", FAILED)], None)
    stored, newer = last_judged_run(tmp_path / "metadata.sqlite", "news")
    assert stored.run.id == "second"
    assert [(run.id, run.failed_step) for run in newer] == [("third", "train")]
    assert [(step.name, step.state, step.code_version) for step in stored.steps] == [
        ("ingest", "from the cache", "ingest of second"),
        ("train", "done", "train of second"),
        ("evaluate", "done", "evaluate of second"),
    ]
    assert stored.data_fingerprint == "data of second"
    assert stored.saved_model is None
    (tmp_path / "second" / "train" / "Format-Serving").mkdir()
    assert stored.saved_model == tmp_path / "second" / "train" / "Format-Serving"
    assert stored.examples("test") is None
    assert stored.statistics("test") is None


def test_where_nothing_was_judged_one_sentence_says_so(store: Store, tmp_path: Path) -> None:
    store.add("only", [("ingest", COMPLETE), ("train", FAILED)], None)
    with pytest.raises(UserError, match=r"^news: no run was judged yet, .*; the last one stopped in the step train$"):
        report(config(tmp_path), None, Console(file=io.StringIO()))
    assert not (tmp_path / "report.html").exists()


def test_where_nothing_was_run_one_sentence_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^news was not run yet") as refusal:
        report(config(tmp_path), None, Console(file=io.StringIO()))
    assert refusal.value.exit_code == 1


def test_the_report_is_written_where_it_is_wanted(store: Store, tmp_path: Path) -> None:
    store.add("only", ALL, verdict())
    console = Console(file=io.StringIO(), width=300)
    assert report(config(tmp_path), None, console) == tmp_path / "report.html"
    assert report(config(tmp_path), tmp_path / "other.html", console) == tmp_path / "other.html"
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert isinstance(console.file, io.StringIO)
    assert "run only" in console.file.getvalue()
    with pytest.raises(UserError, match=r"the folder .* is not there"):
        report(config(tmp_path), tmp_path / "none" / "report.html", console)
