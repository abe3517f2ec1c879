"""`anchorline data`: what a run would make of the data, in seconds and without TensorFlow."""

from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components.ingest.check import check_source
from components.ingest.dealer import Dealer
from components.ingest.parse import read_records
from components.ingest.repeats import digest
from components.ingest.rows import Reject
from components.ingest.source import Source
from components.ingest.summary import REJECTS_FILE, Summary, require_usable
from components.ingest.tally import Tally
from pipeline.config import PipelineConfig
from pipeline.quiet import waiting

_CATEGORIES = 10


def show_data(config: PipelineConfig, console: Console) -> None:
    """Read every row as the ingest step does and print counts, splits, rows set aside and categories.

    Raises:
        DataError: a run would stop at this data, and why.
    """
    source = check_source(config.data)
    with waiting(console, f"reading {config.data.path}"):
        summary, categories = _survey(config, source)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    query, candidate = config.data.columns.PAIR
    table.add_row("files", ", ".join(source.files))
    table.add_row("rows", str(summary.rows))
    table.add_row("kept", ", ".join(f"{count} {split}" for split, count in summary.kept.items()))
    table.add_row("repeated rows", str(summary.duplicates))
    table.add_row(f"different {query}s", str(summary.distinct[query]))
    table.add_row(f"different {candidate}s", str(summary.distinct[candidate]))
    for reason, rejected in summary.rejected.items():
        table.add_row("set aside", escape(f"{rejected.rows} × {reason}, first {rejected.first}"))
    if config.data.columns.category:
        named = [f"{name or '(none)'} {count}" for name, count in categories.most_common(_CATEGORIES)]
        more = len(categories) - len(named)
        table.add_row("categories", escape(", ".join(named) + (f" and {more} more" if more > 0 else "")))
    console.print(table)
    require_usable(summary, config.data, str(config.output_folder / REJECTS_FILE) + " after a run")


def _survey(config: PipelineConfig, source: Source) -> tuple[Summary, Counter[str]]:
    settings, files = config.data, source.files
    query, candidate = settings.columns.PAIR
    tally, categories, dealer = Tally(), Counter[str](), Dealer(settings.splits.shares)
    seen: dict[str, set[bytes]] = {"pair": set(), query: set(), candidate: set(), "group": set()}
    for number, file in enumerate(files):
        for item in read_records(file, source.format, settings):
            tally.rows += 1
            if isinstance(item, Reject):
                tally.set_aside(number, item)
                continue
            digests = {query: digest(item.query), candidate: digest(item.candidate), "group": digest(item.group)}
            pair = digests[query] + digests[candidate]
            if pair in seen["pair"]:
                tally.duplicates += 1
                continue
            seen["pair"].add(pair)
            for kind, value in digests.items():
                seen[kind].add(value)
            tally.kept[dealer.split_of(item.group)] += 1
            categories[item.category] += 1
    tally.distinct = Counter({kind: len(values) for kind, values in seen.items()})
    features = [query, candidate, "group"]
    return Summary.of(tally, files, list(settings.splits.shares), features), categories
