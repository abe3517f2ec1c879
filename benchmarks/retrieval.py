"""Recall and MRR of a configuration's encoder and loss, beside TF-IDF and the matcher that the project began from.

    ./dev python -m benchmarks.retrieval examples/faq.yaml [--set KEY=VALUE …] [--splits 5]

For each split other questions, a fifth, are held out for the test and a tenth to pick the best epoch; the rest is
learnt from. Every held-out question is ranked against all answers. The split's number is the seed of everything else,
too. `benchmarks.quality` compares more rows on more data.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.contenders import ROWS, Contender, Trained
from benchmarks.held_out import hold_out
from benchmarks.originals import ORIGINAL_MATCHER
from benchmarks.pair_sets import Pair, unify
from benchmarks.ranking import METRICS, best_ranks, figures, table_of
from components.errors import UserError
from components.ingest.check import check_source
from components.ingest.parse import Record
from components.ingest.units import read_records, units_of
from pipeline.config import MatchConfig, load_config
from pipeline.quiet import chatter_to


def main(
    config: Path,
    overrides: Annotated[list[str] | None, typer.Option("--set")] = None,
    splits: int = 5,
) -> None:
    """Print mean ± standard deviation over the splits."""
    settings, pairs = read_texts(config, overrides or ())
    encoders = dict.fromkeys(encoder.type for encoder in settings.model.encoders(settings.data.inputs).values())
    keys = settings.model_dump(mode="json")
    contenders: dict[str, Contender] = {
        "TF-IDF": ROWS["TF-IDF"],
        f"{' and '.join(encoders)}, {settings.model.loss.type}": Trained(keys),
        ORIGINAL_MATCHER: Trained(keys | {"model": ROWS["original"].settings["model"]}),
    }
    compare(contenders, pairs, splits)


def compare(contenders: Mapping[str, Contender], pairs: Sequence[Pair], splits: int) -> None:
    """Let all contenders learn from the same splits and print what they reach on the held-out questions."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    for split in range(splits):
        with tempfile.TemporaryDirectory() as folder, chatter_to(Path(os.devnull)):
            data = hold_out(pairs, split, Path(folder))
            for name, contender in contenders.items():
                found[name].append(figures(best_ranks(contender.run(data, split).scores, data.right)))
    title = f"{splits} splits of {len(data.questions)} held-out questions"
    Console(width=120).print(table_of(title, dict.fromkeys(METRICS, 3), found))


def read_texts(config: Path, overrides: Sequence[str]) -> tuple[MatchConfig, list[Pair]]:
    """A configuration and its rows.

    Raises:
        UserError: it is not about matching texts to texts.
    """
    settings = load_config(config, overrides)
    if not isinstance(settings, MatchConfig) or set(settings.data.inputs.values()) != {"text"}:
        raise UserError(f"{config}: is not about matching texts to texts")
    return settings, unify(_texts(settings))


def _texts(settings: MatchConfig) -> Iterator[tuple[str, str]]:
    source = check_source(settings.data)
    for unit in units_of(source.files, source.format):
        for row in read_records(unit, settings.data):
            if isinstance(row, Record):
                question, answer = map(str, row.values)
                yield question, answer


if __name__ == "__main__":
    typer.run(main)
