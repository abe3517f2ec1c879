"""How well each encoder finds right answers, beside what users would take instead: TF-IDF, BM25 and the original model.

    ./dev python -m benchmarks.quality --json FILE [--data faq-en,headlines] [--rows TF-IDF,default] [--chart FILE.svg]

The same questions are held out for every row, and each is ranked against all answers of the data set. A split is which
questions; a seed is of what a model draws, so that rows that draw nothing are run once a split. Figures are means
± standard deviations over the runs. A question counts by the best of its right answers.

Whole runs take hours; with `--max-tokens 64` pretrained encoders take a quarter of their time for articles. What FILE
holds is not run again, so a run may be stopped at any time and goes on where it was; delete FILE once
the code of a row has changed.
"""

import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console

from benchmarks.contenders import ROWS, Contender, all_rows
from benchmarks.held_out import HeldOut, hold_out
from benchmarks.pair_sets import NAMES, Pair, load_pairs
from benchmarks.quality_chart import quality_chart
from benchmarks.ranking import Figures, best_ranks, figures, table_of
from components.errors import UserError
from pipeline.quiet import chatter_to
from serving.whole_file import write_whole

DIGITS = {"recall@1": 3, "recall@10": 3, "MRR": 3, "training s": 1, "rows/s": 0, "MB": 1}
"""Columns, and decimals of each."""


class Cell(NamedTuple):
    """One run."""

    data: str
    row: str
    split: int
    seed: int

    @property
    def key(self) -> str:
        """Its name in the file of results."""
        return "/".join(map(str, self))


class Results:
    """Figures by cell, with the settings that they are of; kept in a file if there is one.

    Args:
        file: read if it is there, written whole after each cell.
        settings: of each row now; what the file has of others is run again.
    """

    def __init__(self, file: Path | None, settings: Mapping[str, Any]) -> None:
        self._file = file
        self._settings = settings
        self._kept: dict[str, dict[str, Any]] = json.loads(file.read_text()) if file and file.exists() else {}

    def get(self, cell: Cell) -> Figures | None:
        """What is known of a cell."""
        kept = self._kept.get(cell.key)
        if kept is None or kept["settings"] != self._settings[cell.row]:
            return None
        return {name: math.nan if value is None else value for name, value in kept["figures"].items()}

    def put(self, cell: Cell, found: Figures) -> None:
        """Keep a cell's figures."""
        written = {name: None if math.isnan(value) else value for name, value in found.items()}
        self._kept[cell.key] = {"settings": self._settings[cell.row], "figures": written}
        if self._file:
            write_whole(self._file, json.dumps(self._kept, indent=1) + "\n")

    def table(self, cells: Sequence[Cell]) -> dict[str, list[Figures]]:
        """The figures of those of these cells that are known, by row."""
        found: dict[str, list[Figures]] = {}
        for cell in cells:
            if (known := self.get(cell)) is not None:
                found.setdefault(cell.row, []).append(known)
        return found


def main(
    data: Annotated[str, typer.Option(help=f"Of {', '.join(NAMES)}.")] = ",".join(NAMES),
    rows: Annotated[str, typer.Option(help=f"Of {', '.join(ROWS)}.")] = ",".join(ROWS),
    *,
    splits: int = 5,
    seeds: int = 3,
    file: Annotated[Path | None, typer.Option("--json", help="Keep results here, and go on from them.")] = None,
    chart: Annotated[Path | None, typer.Option(help="Draw recall@1 to this SVG file.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Pretrained encoders cut longer texts.")] = None,
) -> None:
    """Print a table for each data set."""
    data_sets, every = chosen(data, NAMES), all_rows(max_tokens)
    contenders = {name: every[name] for name in chosen(rows, every)}
    results = Results(file, {name: contender.settings for name, contender in contenders.items()})
    console = Console(width=140)
    tables = {}
    for name in data_sets:
        cells = list(cells_of(name, contenders, splits, seeds))
        pairs = load_pairs(name)
        run_missing(pairs, cells, contenders, results, console)
        tables[name] = results.table(cells)
        console.print(table_of(f"{name}, {len(pairs):,} pairs", DIGITS, tables[name]))
    if chart:
        write_whole(chart, quality_chart(tables, list(ROWS)))


def chosen(names: str, known: Sequence[str] | Mapping[str, Any]) -> list[str]:
    """Names with commas between them.

    Raises:
        UserError: one is not among `known`.
    """
    split = names.split(",")
    for name in split:
        if name not in known:
            raise UserError(f"There is no {name!r}; there are {', '.join(known)}.")
    return split


def cells_of(data: str, contenders: Mapping[str, Contender], splits: int, seeds: int) -> Iterator[Cell]:
    """All runs of a data set, in an order in which rows compare early."""
    for split in range(splits):
        for seed in range(seeds):
            for row, contender in contenders.items():
                if contender.seeded or seed == 0:
                    yield Cell(data, row, split, seed)


def run_missing(
    pairs: Sequence[Pair],
    cells: Sequence[Cell],
    contenders: Mapping[str, Contender],
    results: Results,
    console: Console,
) -> None:
    """Run the cells of one data set that there are no results of."""
    missing = [cell for cell in cells if results.get(cell) is None]
    for split in sorted({cell.split for cell in missing}):
        with tempfile.TemporaryDirectory() as folder, chatter_to(Path(os.devnull)):
            held_out = hold_out(pairs, split, Path(folder))
            for cell in missing:
                if cell.split == split:
                    found = run(contenders[cell.row], held_out, cell.seed)
                    results.put(cell, found)
                    console.print(f"{cell.key}: recall@1 {found['recall@1']:.3f}, MRR {found['MRR']:.3f}", style="dim")


def run(contender: Contender, data: HeldOut, seed: int) -> dict[str, float]:
    """The figures of one contender."""
    outcome = contender.run(data, seed)
    speed = {"training s": outcome.seconds, "rows/s": outcome.rows_per_second, "MB": outcome.megabytes}
    return figures(best_ranks(outcome.scores, data.right)) | speed


if __name__ == "__main__":
    typer.run(main)
