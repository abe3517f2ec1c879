"""What a run tells its user: a few words for each step, and at the end figures, verdicts and what was pushed."""

import os
from typing import get_args

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components.evaluate.settings import Metric
from components.evaluate.verdict import Verdict
from components.ingest.summary import REJECTS_FILE
from pipeline.config import PipelineConfig
from pipeline.facts import Facts

FEW = 30
"""Below so many test questions one question moves recall by more than 0.03."""

TELLING = 3
"""Categories with fewer test questions are not named as weak."""


def remark(step: str, facts: Facts) -> str:
    """What there is to say of a finished step, in a few words."""
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


def summarize(config: PipelineConfig, config_path: str, facts: Facts, console: Console) -> None:
    """Print figures, verdicts, what was pushed, and the next command to type."""
    console.print()
    if facts.ingest:
        splits = ", ".join(f"{rows} {split}" for split, rows in facts.ingest.kept.items())
        where = f": {config.output_folder / REJECTS_FILE}" if facts.ingest.bad else ""
        console.print(f"{facts.ingest.rows} rows: {splits}; {facts.ingest.bad} set aside{where}\n", soft_wrap=True)
    if facts.verdict:
        console.print(_figures(facts))
        if facts.verdict.questions < FEW:
            hint = "raise data.splits.test or add rows"
            console.print(f"[yellow]![/] {facts.verdict.questions} test questions say little about a model; {hint}")
        if weakest := _weakest(facts.verdict):
            console.print(f"weakest categories by mrr: {escape(weakest)}", soft_wrap=True)
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
        program = os.environ.get("ANCHORLINE_PROGRAM", "anchorline")  # ./dev says how it was called
        ask, serve = f'{program} ask {config_path} "…"', f"{program} serve {config_path}"
        console.print(f"\nNext: [bold]{ask}[/]  or  [bold]{serve}[/]", soft_wrap=True)


def _weakest(verdict: Verdict) -> str:
    """The three categories with the lowest MRR among those with questions enough to tell."""
    telling = [one for one in verdict.slices if one.questions >= TELLING and one.name]
    weakest = sorted(telling, key=lambda one: one.metrics["mrr"])[:3]
    return ", ".join(f"{one.name} {one.metrics['mrr']:.3f} ({one.questions} questions)" for one in weakest)


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
    for metric in get_args(Metric):
        table.add_row(metric, *(f"{metrics[metric]:.3f}" for _, metrics in shown))
    return table
