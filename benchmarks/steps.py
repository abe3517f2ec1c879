"""When the steps of a finished TFX run began and ended, whoever ran it: read from its metadata store."""

from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

Span = tuple[float, float]
"""Begin and end, in seconds since the epoch."""

Spans = dict[str, Span]
"""Spans by step, in the order in which the steps began."""


def read_spans(database: Path) -> Spans:
    """Spans of a metadata store that holds one run, from where a step's driver enters it to where it is published.

    Raises:
        ValueError: a step did not complete, or did not run because the cache stood in for it.
    """
    connection = mlmd.ConnectionConfig()
    connection.sqlite.filename_uri = str(database)
    connection.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READONLY
    store = MetadataStore(connection)
    spans = {}
    for execution in sorted(store.get_executions(), key=lambda one: one.create_time_since_epoch):
        nodes = [one.name for one in store.get_contexts_by_execution(execution.id) if one.type == "node"]
        name = nodes[0].rpartition(".")[2]
        if execution.last_known_state != mlmd.Execution.COMPLETE:
            raise ValueError(f"step {name} is {mlmd.Execution.State.Name(execution.last_known_state)} in {database}")
        spans[name] = (execution.create_time_since_epoch / 1000, execution.last_update_time_since_epoch / 1000)
    return spans
