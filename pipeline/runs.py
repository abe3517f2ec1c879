"""`anchorline runs`: the history of a pipeline as a table."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from components.versions import newest_version
from pipeline.config import PipelineConfig
from pipeline.history import Run, read_runs
from pipeline.lock import is_locked


def show_runs(config: PipelineConfig, console: Console) -> None:
    """Print every run, newest first; the version in production is marked."""
    runs = read_runs(config.output_folder / "metadata.sqlite")
    if not runs:
        console.print(f"{config.name} was not run yet; `anchorline run` does it")
        return
    serving = str(newest_version(config.serving_folder))
    table = Table(box=None, pad_edge=False)
    for heading in ("started", "seconds", "rows", *config.headlines, "outcome"):
        table.add_column(heading, justify="left" if heading in ("started", "outcome") else "right")
    running = is_locked(config.output_folder)
    for number, run in enumerate(runs):
        outcome = _outcome(run, running=running and number == 0)
        mark = "  ← in production" if run.facts.pushed == serving else ""
        table.add_row(f"{run.started.astimezone():%Y-%m-%d %H:%M:%S}", *_cells(run, config.headlines), outcome + mark)
    console.print(table)


def _cells(run: Run, names: Sequence[str]) -> list[str]:
    ingest, verdict = run.facts.ingest, run.facts.verdict
    rows = str(sum(ingest.kept.values())) if ingest else ""
    figures = [f"{verdict.metrics[name]:.3f}" if verdict else "" for name in names]
    return [f"{run.seconds:.1f}", rows, *figures]


def _outcome(run: Run, *, running: bool) -> str:
    if run.failed_step:
        return f"in {run.failed_step} now" if running else f"stopped in {run.failed_step}"
    return "running" if running and run.facts.outcome == "unfinished" else run.facts.outcome
