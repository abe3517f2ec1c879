"""The runs of a pipeline, read from its metadata store."""

import datetime
from dataclasses import dataclass
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.facts import Facts, read_facts

TUNING = "tune-"
"""With this begin the ids of searches, which are kept among the runs."""

_DONE = (mlmd.Execution.COMPLETE, mlmd.Execution.CACHED)


@dataclass(frozen=True)
class Run:
    """One run."""

    id: str
    started: datetime.datetime
    seconds: float
    failed_step: str | None
    """Step that failed, or that was running when the run was killed."""
    facts: Facts


def read_runs(database: Path) -> list[Run]:
    """All runs in a metadata store, newest first, without searches."""
    if not database.exists():
        return []
    connection = mlmd.ConnectionConfig()
    connection.sqlite.filename_uri = str(database)
    connection.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READONLY
    store = MetadataStore(connection)
    contexts = store.get_contexts_by_type("pipeline_run")
    runs = [_read_run(store, context) for context in contexts if not context.name.startswith(TUNING)]
    return sorted(runs, key=lambda run: run.started, reverse=True)


def _read_run(store: MetadataStore, context: mlmd.Context) -> Run:
    executions = sorted(store.get_executions_by_context(context.id), key=lambda one: one.create_time_since_epoch)
    names = {execution.id: _step(store, execution) for execution in executions}
    done = [execution.id for execution in executions if execution.last_known_state in _DONE]
    failed = [names[one.id] for one in executions if one.last_known_state not in _DONE]
    begin = context.create_time_since_epoch / 1000
    end = max((one.last_update_time_since_epoch / 1000 for one in executions), default=begin)
    return Run(
        id=context.name,
        started=datetime.datetime.fromtimestamp(begin, datetime.UTC),
        seconds=end - begin,
        failed_step=failed[0] if failed else None,
        facts=read_facts({names[one]: read_outputs(store, one) for one in done}),
    )


def read_outputs(store: MetadataStore, execution: int) -> dict[str, mlmd.Artifact]:
    """Artifacts that an execution published, by output key."""
    events = [event for event in store.get_events_by_execution_ids([execution]) if event.type == mlmd.Event.OUTPUT]
    by_id = {one.id: one for one in store.get_artifacts_by_id([event.artifact_id for event in events])}
    return {event.path.steps[0].key: by_id[event.artifact_id] for event in events}


def _step(store: MetadataStore, execution: mlmd.Execution) -> str:
    for context in store.get_contexts_by_execution(execution.id):
        if context.type == "node":
            return context.name.rpartition(".")[2]
    return "?"
