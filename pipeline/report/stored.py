"""A run as the metadata store knows it: its steps, with their code versions, and their artifacts."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.errors import UserError
from pipeline.history import Run, read_outputs, read_runs

_SERVED = "Format-Serving"  # where TFX's Trainer puts the SavedModel inside its artifact
_STATES = {mlmd.Execution.COMPLETE: "done", mlmd.Execution.CACHED: "from the cache", mlmd.Execution.RUNNING: "stopped"}
_FINGERPRINT = "input_fingerprint"


@dataclass(frozen=True)
class Step:
    """One step of a run."""

    name: str
    state: str
    """`done`, `from the cache`, `failed`, `stopped`."""
    seconds: float
    code_version: str
    """Fingerprint of the code that did the work; empty where none was noted."""


@dataclass(frozen=True)
class StoredRun:
    """A run, its steps in the order in which they began, and what they left behind."""

    run: Run
    steps: tuple[Step, ...]
    artifacts: Mapping[str, Mapping[str, mlmd.Artifact]]
    """By step and output key."""

    @property
    def data_fingerprint(self) -> str:
        """What the ingest step noted of the files it read; empty where it noted nothing."""
        return _text(self.artifacts.get("ingest", {}).get("examples"), _FINGERPRINT)

    @property
    def saved_model(self) -> Path | None:
        """Folder of the trained SavedModel, none where it is not there any more."""
        return _existing(self.artifacts.get("train", {}).get("model"), _SERVED)

    def examples(self, split: str) -> Path | None:
        """Folder of the ingested rows of a split, none where it is not there any more."""
        return _existing(self.artifacts.get("ingest", {}).get("examples"), f"Split-{split}")

    def statistics(self, split: str) -> Path | None:
        """File with the statistics of a split, none where it is not there any more."""
        return _existing(self.artifacts.get("statistics", {}).get("statistics"), f"Split-{split}/FeatureStats.pb")


def last_judged_run(database: Path, name: str) -> tuple[StoredRun, Sequence[Run]]:
    """The newest run that got as far as a verdict, and the runs that began after it.

    Args:
        database: the metadata store's file.
        name: of the pipeline, for messages.

    Raises:
        UserError: no run was judged yet.
    """
    runs = read_runs(database)
    for number, run in enumerate(runs):
        if run.facts.verdict:
            return _read(database, run), runs[:number]
    if not runs:
        raise UserError(f"{name} was not run yet, so there is nothing to report; `anchorline run` does it")
    where = f" in the step {runs[0].failed_step}" if runs[0].failed_step else ""
    raise UserError(f"{name}: no run was judged yet, so there is nothing to report; the last one stopped{where}")


def _read(database: Path, run: Run) -> StoredRun:
    connection = mlmd.ConnectionConfig()
    connection.sqlite.filename_uri = str(database)
    connection.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READONLY
    store = MetadataStore(connection)
    context = store.get_context_by_type_and_name("pipeline_run", run.id)
    executions = sorted(store.get_executions_by_context(context.id), key=lambda one: (_begin(one), one.id))
    names = {one.id: _name(store, one) for one in executions}
    return StoredRun(
        run=run,
        steps=tuple(_step(names[one.id], one) for one in executions),
        artifacts={names[one.id]: read_outputs(store, one.id) for one in executions},
    )


def _begin(execution: mlmd.Execution) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(execution.create_time_since_epoch / 1000, datetime.UTC)


def _name(store: MetadataStore, execution: mlmd.Execution) -> str:
    nodes = [context for context in store.get_contexts_by_execution(execution.id) if context.type == "node"]
    return nodes[0].name.rpartition(".")[2]


def _step(name: str, execution: mlmd.Execution) -> Step:
    return Step(
        name=name,
        state=_STATES.get(execution.last_known_state, "failed"),
        seconds=(execution.last_update_time_since_epoch - execution.create_time_since_epoch) / 1000,
        code_version=execution.custom_properties["code_version"].string_value,
    )


def _text(artifact: mlmd.Artifact | None, key: str) -> str:
    if artifact is None:
        return ""
    for properties in (artifact.properties, artifact.custom_properties):
        if key in properties:
            return properties[key].string_value
    return ""


def _existing(artifact: mlmd.Artifact | None, inside: str) -> Path | None:
    path = Path(artifact.uri) / inside if artifact else None
    return path if path and path.exists() else None
