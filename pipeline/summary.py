"""What a run tells its user: a few words for each step, and at the end figures, verdicts and what was pushed."""

import os
from collections.abc import Iterator
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components.evaluate.verdict import Verdict
from components.ingest.summary import REJECTS_FILE
from pipeline.config import PipelineConfig
from pipeline.facts import Facts

FEW = 50
"""Below so many test rows one row moves a share by more than 0.02."""

TELLING = 3
"""Labels and categories with fewer test rows are not named as weak."""


def called_as() -> str:
    """How the command line was called; ./dev says it."""
    return os.environ.get("ANCHORLINE_PROGRAM", "anchorline")


def remark(config: PipelineConfig, step: str, facts: Facts) -> str:
    """What there is to say of a finished step, in a few words."""
    if step == "ingest" and facts.ingest:
        return f"{sum(facts.ingest.kept.values())} rows kept, {facts.ingest.bad} set aside"
    if step == "train" and facts.training:
        name = config.headlines[0]
        epoch, best = facts.training["best_epoch"], facts.training["validation"][f"val_{name}"]
        which = f"best epoch {epoch}" if epoch else "no epoch better than the untrained model"
        return f"{which}, validation {name} {best:.3f}"
    if step == "evaluate" and facts.verdict:
        return "passed the gates" if facts.verdict.blessed else "refused by a gate"
    if step == "serving_check":
        return "serves by gRPC and REST" if facts.serves else facts.refusal
    if step == "push":
        return facts.outcome
    return ""


def summarize(config: PipelineConfig, config_path: str, facts: Facts, console: Console) -> None:
    """Print figures, verdicts, what was pushed, and the next command to type."""
    console.print()
    if facts.ingest:
        splits = ", ".join(f"{rows} {split}" for split, rows in facts.ingest.kept.items())
        where = f": {config.output_folder / REJECTS_FILE}" if facts.ingest.bad else ""
        repeated = f", {facts.ingest.duplicates} repeated" if facts.ingest.duplicates else ""
        rows = f"{facts.ingest.rows} rows: {splits}{repeated}; {facts.ingest.bad} set aside{where}"
        console.print(f"{escape(rows)}\n", soft_wrap=True)
    if facts.verdict:
        console.print(_figures(config, facts.verdict))
        if facts.verdict.rows < FEW:
            hint = "raise data.splits.test or add rows"
            console.print(f"[yellow]![/] {facts.verdict.rows} test rows say little about a model; {hint}")
        for line in _warnings(config, facts, facts.verdict):
            console.print(f"[yellow]![/] {escape(line)}", soft_wrap=True)
        for line in _weakest(facts.verdict, config.headlines[0]):
            console.print(escape(line), soft_wrap=True)
        for check in facts.verdict.checks:
            mark = "[green]✓[/]" if check.passed else "[red]✗[/]"
            console.print(f"{mark} {escape(check.sentence())}")
    if facts.pushed:
        where = escape(str(config.serving_folder))
        console.print(f"[green]✓[/] pushed as version {facts.pushed} to {where}", soft_wrap=True)
    elif facts.unchanged:
        console.print(f"[green]✓[/] version {facts.unchanged} in production is this very model; nothing to push")
    else:
        console.print(f"[red]✗[/] not pushed: {escape(facts.refusal or facts.outcome)}; production stays as it is")
    program, config_path = escape(called_as()), escape(config_path)
    if facts.withdrawn:
        back = f"{program} rollback {config_path} {facts.withdrawn}"
        console.print(f"  to bring it back: [bold]{back}[/]", soft_wrap=True)
    if facts.pushed or facts.unchanged:
        verb = "ask" if config.task == "match" else "classify"
        given = "PICTURE" if next(iter(config.data.inputs.values())) == "image" else '"…"'
        ask, serve = f"{program} {verb} {config_path} {given}", f"{program} serve {config_path}"
        console.print(f"\nNext: [bold]{ask}[/]  or  [bold]{serve}[/]", soft_wrap=True)


def _warnings(config: PipelineConfig, facts: Facts, verdict: Verdict) -> Iterator[str]:
    """What makes a model doubtful though no gate may say so."""
    epoch = facts.training["best_epoch"] if facts.training else None
    if epoch == 0:
        yield "no epoch was better than the untrained model, which was kept; try another train.learning_rate"
    elif epoch == config.train.epochs and config.train.schedule == "constant":
        yield "the last epoch was the best; more train.epochs may be better still"
    name = config.headlines[0]
    if verdict.reference and verdict.metrics[name] < verdict.reference.metrics[name]:
        yield f"{name} is below that of {verdict.reference.name}; gates.{name}.min would refuse such a model"


def _weakest(verdict: Verdict, metric: str) -> Iterator[str]:
    """The three weakest labels and categories among those with rows enough to tell."""
    below = (one for one in verdict.slices if one.metrics[metric] < verdict.metrics[metric])
    telling = [one for one in below if one.rows >= TELLING and one.name]
    for by, slices in groupby(telling, key=lambda one: one.by):
        weakest = sorted(slices, key=lambda one: one.metrics[metric])[:3]
        named = ", ".join(f"{one.name} {one.metrics[metric]:.3f} ({one.rows} rows)" for one in weakest)
        yield f"weakest by {metric}, {by}: {named}"


def _figures(config: PipelineConfig, verdict: Verdict) -> Table:
    title = f"{verdict.rows} test rows" + (" against every answer" if config.task == "match" else "")
    table = Table(box=None, pad_edge=False)
    table.add_column(title, min_width=len(title))
    columns = [("this model", verdict.metrics), ("in production", verdict.production)]
    columns += [(verdict.reference.name, verdict.reference.metrics)] if verdict.reference else []
    shown = [(name, metrics) for name, metrics in columns if metrics]
    for name, _ in shown:
        table.add_column(name, justify="right")
    for metric in config.metrics:
        table.add_row(metric, *(f"{metrics[metric]:.3f}" if metric in metrics else "" for _, metrics in shown))
    return table
