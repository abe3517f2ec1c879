"""Seconds until the best validation MRR of the original matcher is reached: by the original, and by a configuration.

    ./dev python -m benchmarks.time_to_quality examples/faq.yaml … [--set KEY=VALUE …] [--splits 3]

Both are counted from before the model is made until the end of the validation that reaches the MRR, so with making and
adapting the model, the validation of the untrained one, and every trace of a graph; without imports and reading the
configuration. They run one after the other in one process, which warms up with a step of each before.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.held_out import hold_out
from benchmarks.originals import LSTM, MATCH_LOSS
from benchmarks.pair_sets import Pair
from benchmarks.retrieval import read_texts
from components.tasks.settings import MatchSettings
from pipeline.config import MatchConfig
from pipeline.quiet import chatter_to


class Race(NamedTuple):
    """How long it took, and what was reached."""

    mrr: float
    original: float
    ours: float | None
    """None if it was never reached."""


def main(
    configs: list[Path],
    overrides: Annotated[list[str] | None, typer.Option("--set")] = None,
    splits: int = 3,
) -> None:
    """Print the median of the splits for each configuration's data."""
    table = Table("data", "original's best MRR", "original, s", "ours, s", "ratio", box=box.MARKDOWN)
    for file in configs:
        config, pairs = read_texts(file, overrides or ())
        with chatter_to(Path(os.devnull)):
            races = [race(config, pairs, split) for split in range(splits)]
        reached = [one for one in races if one.ours is not None]
        ratios = [one.original / one.ours for one in reached if one.ours]
        never = f" ({splits - len(reached)} never)" if len(reached) < splits else ""
        table.add_row(
            config.name,
            f"{statistics.mean(one.mrr for one in races):.3f}",
            f"{statistics.median(one.original for one in races):.2f}",
            f"{statistics.median(one.ours for one in reached if one.ours):.2f}{never}" if reached else "never",
            f"{min(ratios):.1f} to {max(ratios):.1f}" if ratios else "",
        )
    Console(width=120).print(table)


def race(config: MatchConfig, pairs: Sequence[Pair], split: int) -> Race:
    """Both models on one split, the original first."""
    original = MatchSettings(encoder=LSTM, loss=MATCH_LOSS)
    with tempfile.TemporaryDirectory() as folder:
        from components.train.candidates import Candidates
        from components.train.match import fit_match

        files = hold_out(pairs, split, Path(folder)).files
        candidates = Candidates(files.all)
        ours = config.trainer_settings.model_copy(update={"seed": split})
        brief = ours.train.model_copy(update={"epochs": 1, "steps_per_epoch": 1})
        for model in (original, ours.model):
            fit_match(ours.model_copy(update={"model": model, "train": brief}), files, candidates, progress=False)
        plain = type(ours.train)(epochs=ours.train.epochs)
        start = time.perf_counter()
        first = fit_match(
            ours.model_copy(update={"model": original, "train": plain}), files, candidates, progress=False
        )
        best = max(mrr for _, mrr in first.curve)
        original_end = next(when for when, mrr in first.curve if mrr == best)
        restart = time.perf_counter()
        second = fit_match(ours, files, candidates, progress=False)
        end = reached(second.curve, best)
    return Race(best, original_end - start, None if end is None else end - restart)


def reached(curve: Sequence[tuple[float, float]], merit: float) -> float | None:
    """When a curve of (time, merit) first has so much; None if never."""
    return next((when for when, found in curve if found >= merit), None)


if __name__ == "__main__":
    typer.run(main)
