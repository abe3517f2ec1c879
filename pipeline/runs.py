"""`anchorline runs`: the history of a pipeline as a table."""

from rich.console import Console
from rich.table import Table

from components.versions import newest_version
from pipeline.config import PipelineConfig
from pipeline.history import Run, read_runs


def show_runs(config: PipelineConfig, console: Console) -> None:
    """Print every run, newest first; the version in production is marked."""
    runs = read_runs(config.output_folder / "metadata.sqlite")
    if not runs:
        console.print(f"{config.name} was not run yet; `anchorline run` does it")
        return
    serving = str(newest_version(config.serving_folder))
    table = Table(box=None, pad_edge=False)
    for heading in ("started", "seconds", "rows", "recall@1", "mrr", "outcome"):
        table.add_column(heading, justify="left" if heading in ("started", "outcome") else "right")
    for run in runs:
        mark = "  ← in production" if run.facts.pushed == serving else ""
        table.add_row(f"{run.started.astimezone():%Y-%m-%d %H:%M:%S}", *_cells(run), _outcome(run) + mark)
    console.print(table)


def _cells(run: Run) -> list[str]:
    ingest, verdict = run.facts.ingest, run.facts.verdict
    rows = str(sum(ingest.kept.values())) if ingest else ""
    figures = [f"{verdict.metrics[name]:.3f}" for name in ("recall@1", "mrr")] if verdict else ["", ""]
    return [f"{run.seconds:.1f}", rows, *figures]


def _outcome(run: Run) -> str:
    return f"stopped in {run.failed_step}" if run.failed_step else run.facts.outcome
