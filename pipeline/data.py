"""`anchorline data`: what a run would make of the data, in seconds; TensorFlow is loaded for pictures alone."""

import os
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components.ingest.check import check_source
from components.ingest.dealer import Dealer
from components.ingest.repeats import digest
from components.ingest.rows import Reject
from components.ingest.source import Source
from components.ingest.summary import REJECTS_FILE, Summary, require_usable
from components.ingest.tally import Tally
from components.ingest.units import read_records, units_of
from pipeline.config import PipelineConfig
from pipeline.loader import load_data
from pipeline.quiet import chatter_to, waiting

_CATEGORIES = 10


def show_data(config: PipelineConfig, console: Console) -> None:
    """Read every row as the ingest step does and print counts, splits, rows set aside and categories.

    Raises:
        DataError: a run would stop at this data, and why.
    """
    load_data(config.data, console)
    source = check_source(config.data)
    with waiting(console, f"reading {escape(config.data.path)}"), chatter_to(Path(os.devnull)):
        summary, categories = _survey(config, source)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    table.add_row("files", escape(", ".join(summary.files)))
    table.add_row("rows", str(summary.rows))
    table.add_row("kept", ", ".join(f"{count} {split}" for split, count in summary.kept.items()))
    table.add_row("repeated rows", str(summary.duplicates))
    for part in config.data.parts:
        table.add_row(f"different {part}s", str(summary.distinct[part]))
    first = next(iter(config.data.parts))
    if several := sum(summary.kept.values()) - summary.distinct[first]:
        other = "label" if "label" in config.data.parts else "answer"
        table.add_row(f"same {first} again", f"{several}, with another {other}")
    for reason, rejected in summary.rejected.items():
        table.add_row("set aside", escape(f"{rejected.rows} × {reason}, first {rejected.first}"))
    if categories:
        named = [f"{name or '(none)'} {count}" for name, count in categories.most_common(_CATEGORIES)]
        more = len(categories) - len(named)
        table.add_row(
            "labels" if "label" in config.data.parts else "categories",
            escape(", ".join(named) + (f" and {more} more" if more > 0 else "")),
        )
    console.print(table)
    require_usable(summary, config.data, str(config.output_folder / REJECTS_FILE) + " after a run")


def _survey(config: PipelineConfig, source: Source) -> tuple[Summary, Counter[str]]:
    """What became of the rows, and how many each label, or else each category where there are any, has."""
    settings, units = config.data, units_of(source.files, source.format)
    first, second = settings.parts
    tally, categories, dealer = Tally(), Counter[str](), Dealer(settings.splits.shares)
    seen: dict[str, set[bytes]] = {"row": set(), first: set(), second: set(), "group": set()}
    for number, unit in enumerate(units):
        for item in read_records(unit, settings):
            tally.rows += 1
            if isinstance(item, Reject):
                tally.set_aside(number, item)
                continue
            digests = {name: digest(value) for name, value in zip((first, second), item.values, strict=True)}
            row = digests[first] + digests[second]
            if row in seen["row"]:
                tally.duplicates += 1
                continue
            seen["row"].add(row)
            for kind, value in (digests | {"group": digest(item.group)}).items():
                seen[kind].add(value)
            tally.kept[dealer.split_of(item.group)] += 1
            if "label" in settings.parts:
                categories[str(item.values[1])] += 1
            elif settings.columns.category:
                categories[item.category] += 1
    tally.distinct = Counter({kind: len(values) for kind, values in seen.items()})
    return Summary.of(tally, units, settings), categories
