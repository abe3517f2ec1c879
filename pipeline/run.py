"""`anchorline run`: one run, a line for each step, and at the end what came of it."""

import sys
import time
import traceback
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from components.errors import UserError
from components.ingest.check import check_source
from pipeline.config import PipelineConfig
from pipeline.facts import Artifact, Facts, read_facts
from pipeline.lock import run_lock
from pipeline.quiet import chatter_to, waiting

METRICS = ("recall@1", "recall@5", "recall@10", "mrr")


class UnexpectedError(UserError):
    """A fault of ours or of a library; the log has the traceback."""


class InterruptError(UserError):
    """The user pressed Ctrl-C."""

    exit_code = 130


def run(config: PipelineConfig, config_path: str, console: Console, *, verbose: bool) -> Facts:
    """Run the pipeline and report to `console`.

    Raises:
        UserError: nothing was pushed, and the text says why.
    """
    check_source(config.data)
    folder = config.output_folder
    with run_lock(folder):
        log = None if verbose else folder / "run.log"
        with chatter_to(log):
            try:
                facts = _run_steps(config, console)
            except UserError:
                raise
            except KeyboardInterrupt:
                raise InterruptError("interrupted; the next run goes on from the last finished step") from None
            except Exception as error:  # noqa: BLE001  all that is left is ours to explain
                raise _explain(error, log) from None
    _summarize(config, config_path, facts, console)
    return facts


def _run_steps(config: PipelineConfig, console: Console) -> Facts:
    start = time.monotonic()
    with waiting(console, "loading TensorFlow and TFX"):
        from pipeline.local import run_steps
    console.print(f"[dim]{'imports':14}[/]{time.monotonic() - start:7.1f} s")
    artifacts: dict[str, dict[str, Artifact]] = {}
    with ExitStack() as spinner:

        def announce(name: str) -> None:
            if name == "train":  # Keras draws its own progress bar
                console.print(f"[bold]{name}[/]")
            else:
                spinner.enter_context(waiting(console, name))

        for step in run_steps(config, announce):
            spinner.close()
            artifacts[step.name] = step.outputs
            remark = "unchanged, from the cache" if step.cached else _remark(step.name, read_facts(artifacts))
            console.print(f"[bold]{step.name:14}[/]{step.seconds:7.1f} s   [dim]{remark}[/]")
    console.print(f"[dim]{'all':14}{time.monotonic() - start:7.1f} s[/]")
    return read_facts(artifacts)


def _explain(error: Exception, log: Path | None) -> UserError:
    """The sentence for the user that an error carries or hides in its causes; else one that says where to look."""
    cause: BaseException | None = error.__cause__
    while cause is not None:
        if isinstance(cause, UserError):
            return type(cause)(f"{error}: {cause}")
        cause = cause.__cause__ or cause.__context__
    traceback.print_exception(error, file=sys.stderr)  # into the log
    where = f"; the whole story is in {log}" if log else ""
    return UnexpectedError(f"{error}: {error.__cause__ or error!r:.300}{where}")


def _remark(step: str, facts: Facts) -> str:
    if step == "ingest" and facts.ingest:
        return f"{sum(facts.ingest.kept.values())} rows kept, {facts.ingest.bad} set aside"
    if step == "train" and facts.training:
        best = facts.training["validation"]
        return f"best epoch {facts.training['best_epoch']}, validation MRR {best['val_mrr']:.3f}"
    if step == "evaluate" and facts.verdict:
        return "passed the gates" if facts.verdict.blessed else "refused by a gate"
    if step == "serving_check":
        return "serves by gRPC and REST" if facts.serves else facts.refusal
    if step == "push":
        return facts.outcome
    return ""


def _summarize(config: PipelineConfig, config_path: str, facts: Facts, console: Console) -> None:
    console.print()
    if facts.ingest and facts.ingest.bad:
        console.print(f"{facts.ingest.bad} rows were set aside: {config.output_folder / 'rejected.csv'}")
    if facts.verdict:
        console.print(_figures(facts))
        for check in facts.verdict.checks:
            mark = "[green]✓[/]" if check.passed else "[red]✗[/]"
            console.print(f"{mark} {check.sentence()}")
    if facts.pushed:
        console.print(f"[green]✓[/] pushed as version {facts.pushed} to {config.serving_folder}", soft_wrap=True)
    elif facts.unchanged:
        console.print(f"[green]✓[/] version {facts.unchanged} in production is this very model; nothing to push")
    else:
        console.print(f"[red]✗[/] not pushed: {facts.refusal or facts.outcome}; production stays as it is")
    if facts.pushed or facts.unchanged:
        console.print(
            f'\nNext: [bold]anchorline ask {config_path} "…"[/]  or  [bold]anchorline serve {config_path}[/]',
            soft_wrap=True,
        )


def _figures(facts: Facts) -> Table:
    verdict = facts.verdict
    assert verdict is not None  # noqa: S101
    title = f"{verdict.questions} test questions against every answer"
    table = Table(box=None, pad_edge=False)
    table.add_column(title, min_width=len(title))
    columns = [("this model", verdict.metrics), ("in production", verdict.production), ("TF-IDF", verdict.tfidf)]
    shown = [(name, metrics) for name, metrics in columns if metrics]
    for name, _ in shown:
        table.add_column(name, justify="right")
    for metric in METRICS:
        table.add_row(metric, *(f"{metrics[metric]:.3f}" for _, metrics in shown))
    return table
