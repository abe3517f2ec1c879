"""Seconds until the best validation MRR of the original matcher is reached: by the original, and by the default.

    ./dev python -m benchmarks.time_to_quality [--data faq-en,headlines] [--splits 5]

The original learns from random negatives for the whole budget of `benchmarks.quality`, without early stopping; its best
is that of its best validation. Both are counted from before the model is made until the end of the validation that
reaches the MRR, so with making and adapting the model, the validation of the untrained one, and every trace of a graph;
without imports and reading the data. They run one after the other in one process, which warms up with a step of each
before.

Where the original learns next to nothing its best is chance, and reached at once by anything: the table tells chance.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.contenders import BUDGET, ROWS, Contender, trained
from benchmarks.held_out import hold_out
from benchmarks.pair_sets import NAMES, Pair, load_pairs
from benchmarks.quality import chosen
from pipeline.config import MatchConfig
from pipeline.quiet import chatter_to

ORIGINAL = trained(model=ROWS["original"].settings["model"], train=BUDGET | {"patience": BUDGET["epochs"]})
OURS = ROWS["default"]


class Race(NamedTuple):
    """How long it took, and what was reached."""

    chance: float
    """MRR of a random order of the candidates."""
    mrr: float
    """The original's best."""
    original: float
    """Seconds."""
    ours: float | None
    """Seconds; None if it was never reached."""


def main(data: Annotated[str, typer.Option(help=f"Of {', '.join(NAMES)}.")] = ",".join(NAMES), splits: int = 5) -> None:
    """Print the medians of the splits for each data set."""
    console = Console(width=120)
    table = Table("data", "chance", "original's best MRR", "original, s", "ours, s", "ratio", box=box.MARKDOWN)
    for name in chosen(data, NAMES):
        pairs = load_pairs(name)
        races = []
        for split in range(splits):
            with chatter_to(Path(os.devnull)):
                races.append(race(pairs, split))
            console.print(f"{name}/{split}: {', '.join(row_of(races[-1:]))}", style="dim")
        table.add_row(name, *row_of(races))
    console.print(table)


def row_of(races: Sequence[Race]) -> list[str]:
    """The cells behind the name."""
    ours = [one.ours for one in races if one.ours is not None]
    ratios = [one.original / one.ours for one in races if one.ours is not None]
    never = f" ({len(races) - len(ours)} never)" if len(ours) < len(races) else ""
    return [
        f"{statistics.mean(one.chance for one in races):.3f}",
        f"{statistics.mean(one.mrr for one in races):.3f}",
        f"{statistics.median(one.original for one in races):.2f}",
        f"{statistics.median(ours):.2f}{never}" if ours else "never",
        f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})" if ratios else "",
    ]


def race(pairs: Sequence[Pair], split: int) -> Race:
    """Both models on one split, the original first."""
    with tempfile.TemporaryDirectory() as folder:
        from components.train.candidates import Candidates
        from components.train.match import fit_match
        from components.train.validation import MAX_CANDIDATES

        files = hold_out(pairs, split, Path(folder)).files
        candidates = Candidates(files.all)

        def curve(contender: Contender, **brief: int) -> list[tuple[float, float]]:
            """Seconds and MRR of each validation."""
            settings = MatchConfig.model_validate(contender.settings).trainer_settings
            update = {"seed": split, "train": settings.train.model_copy(update=brief)}
            start = time.perf_counter()
            fitted = fit_match(settings.model_copy(update=update), files, candidates, progress=False)
            return [(when - start, mrr) for when, mrr in fitted.curve]

        for contender in (ORIGINAL, OURS):
            curve(contender, epochs=1, steps_per_epoch=1)
        seconds, best = max(curve(ORIGINAL), key=lambda point: point[1])  # the first of the best
        chance = np.mean(1 / np.arange(1, min(len(candidates), MAX_CANDIDATES) + 1))
        return Race(float(chance), best, seconds, reached(curve(OURS), best))


def reached(curve: Sequence[tuple[float, float]], merit: float) -> float | None:
    """When a curve of (time, merit) first has so much; None if never."""
    return next((when for when, found in curve if found >= merit), None)


if __name__ == "__main__":
    typer.run(main)
