"""What each training signal of `match` does by itself: the same data, splits, encoder and pace as without any.

./dev python -m benchmarks.ablation examples/faq.yaml [--set KEY=VALUE …] [--splits 5] [--only NAME …]
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.contenders import ROWS, Contender, Trained
from benchmarks.retrieval import compare, read_texts
from pipeline.config import MatchConfig

PLAIN = "no signal"
SIGNALS: dict[str, dict[str, Any]] = {
    PLAIN: {},
    "inverse cloze, sentences": {"inverse_cloze": {"unit": "sentence"}},
    "inverse cloze, spans": {"inverse_cloze": {"unit": "span"}},
    "word dropout 0.2": {"word_dropout": 0.2},
    "span dropout 0.3": {"span_dropout": 0.3},
    "hard negatives": {"hard_negatives": {}},
    "memory of 256": {"memory": 256},
    "batch of 256, 32 at once": {"batch_size": 256, "micro_batch": 32},
}


def main(
    config: Path,
    overrides: Annotated[list[str] | None, typer.Option("--set")] = None,
    splits: int = 5,
    only: Annotated[list[str] | None, typer.Option(help="These rows alone.")] = None,
) -> None:
    """Print mean ± standard deviation over the splits."""
    settings, pairs = read_texts(config, overrides or ())
    compare({"TF-IDF": ROWS["TF-IDF"]} | {name: variant(settings, name) for name in only or SIGNALS}, pairs, splits)


def variant(config: MatchConfig, name: str) -> Contender:
    """The configuration with the signal `name` in the place of its own."""
    keys = config.model_dump(mode="json")
    none = dict.fromkeys(("inverse_cloze", "hard_negatives", "memory", "micro_batch"))
    changed = keys["train"] | none | {"word_dropout": 0.0, "span_dropout": 0.0} | SIGNALS[name]
    return Trained(keys | {"train": changed})


if __name__ == "__main__":
    typer.run(main)
