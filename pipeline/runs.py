"""`anchorline runs`: the history of a pipeline as a table."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table

from components.rollbacks import Rollback, original, read_rollbacks, withdrawn_versions
from components.versions import newest_version
from pipeline.config import PipelineConfig
from pipeline.history import Run, read_runs
from pipeline.lock import is_locked

_BEGINNING = ("started", "seconds", "rows")


def show_runs(config: PipelineConfig, console: Console) -> None:
    """Print every run and every rollback, newest first; what is in production and what was rolled back is marked."""
    runs = read_runs(config.output_folder / "metadata.sqlite")
    if not runs:
        console.print(f"{config.name} was not run yet; `anchorline run` does it")
        return
    rollbacks = read_rollbacks(config.serving_folder)
    marks = _marks(newest_version(config.serving_folder), rollbacks)
    table = Table(box=None, pad_edge=False)
    for heading in (*_BEGINNING, *config.headlines, "outcome"):
        table.add_column(heading, justify="left" if heading in ("started", "outcome") else "right")
    running = is_locked(config.output_folder)
    rows: list[tuple[datetime, Sequence[str]]] = []
    for number, run in enumerate(runs):
        outcome = _outcome(run, running=running and number == 0)
        rows.append((run.started, [*_cells(run, config.headlines), outcome + marks.get(run.facts.pushed, "")]))
    for rollback in rollbacks:
        outcome = f"rollback to {rollback.source}, as {rollback.version}"
        rows.append((rollback.time, ["", "", *("" for _ in config.headlines), outcome]))
    for started, cells in sorted(rows, key=lambda row: row[0], reverse=True):
        table.add_row(f"{started.astimezone():%Y-%m-%d %H:%M:%S}", *cells)
    console.print(table)


def _marks(newest: int | None, rollbacks: Sequence[Rollback]) -> dict[str | None, str]:
    """What is to be said of the versions that runs pushed."""
    marks: dict[str | None, str] = {str(version): "  ← rolled back" for version in withdrawn_versions(rollbacks)}
    if newest is not None:
        pushed = original(newest, rollbacks)
        marks[str(pushed)] = "  ← in production" + (f", as {newest}" if pushed != newest else "")
    return marks


def _cells(run: Run, names: Sequence[str]) -> list[str]:
    ingest, verdict = run.facts.ingest, run.facts.verdict
    rows = str(sum(ingest.kept.values())) if ingest else ""
    known = verdict.metrics if verdict else {}  # of a run of another task other metrics
    figures = [f"{known[name]:.3f}" if name in known else "" for name in names]
    return [f"{run.seconds:.1f}", rows, *figures]


def _outcome(run: Run, *, running: bool) -> str:
    if run.failed_step:
        return f"in {run.failed_step} now" if running else f"stopped in {run.failed_step}"
    return "running" if running and run.facts.outcome == "unfinished" else run.facts.outcome
