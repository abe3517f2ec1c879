"""What each training signal of `match` does by itself: the same data, splits, encoder and pace as without any.

./dev python -m benchmarks.ablation examples/faq.yaml [--set KEY=VALUE …] [--splits 5] [--only NAME …]
"""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.retrieval import compare, print_table, read_texts
from components.train.settings import MatchTrainer, MatchTrainSettings
from pipeline.config import MatchConfig
from pipeline.quiet import chatter_to

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
    settings, records = read_texts(config, overrides or ())
    variants = {name: variant(settings, name) for name in only or SIGNALS}
    with chatter_to(Path(os.devnull)):
        results = [compare(variants, records, split) for split in range(splits)]
    print_table(results)


def variant(config: MatchConfig, name: str) -> MatchTrainer:
    """The configuration with the signal `name` in the place of its own."""
    train = config.train.model_dump() | dict.fromkeys(("inverse_cloze", "hard_negatives", "memory", "micro_batch"))
    changed = train | {"word_dropout": 0.0, "span_dropout": 0.0} | SIGNALS[name]
    return config.trainer_settings.model_copy(update={"train": MatchTrainSettings.model_validate(changed)})


if __name__ == "__main__":
    typer.run(main)
