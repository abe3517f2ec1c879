"""`anchorline ask`, `classify` and `similar`: what the pushed model says of a text or a picture."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components.errors import UserError
from pipeline.config import ClassifyConfig, MatchConfig, PipelineConfig
from pipeline.query import query


def ask(config: PipelineConfig, questions: Sequence[str], top: int, server: str | None, console: Console) -> None:
    """Print the `top` ranked answers to each question.

    Args:
        config: whose model to ask.
        questions: texts, or paths of pictures where a question is a picture.
        top: how many answers.
        server: HOST:PORT of a running server; none starts one for as long as it takes.
        console: where to print.

    Raises:
        UserError: see `query.query`; or the model answers no questions.
    """
    if not isinstance(config, MatchConfig):
        raise UserError(f"{config.name} is a {config.task} pipeline and answers no questions; use classify or similar")
    outputs = query(config, "search", questions, server=server, console=console)
    for row, question in enumerate(questions):
        table = _table(console, question)
        ranked = zip(outputs["ids"][row], outputs["candidates"][row], outputs["scores"][row], strict=True)
        for rank, (key, candidate, score) in enumerate(list(ranked)[:top], 1):
            name = "" if key == candidate else f"[dim]{_text(key)}[/]"
            table.add_row(f"{rank}.", f"[cyan]{score:.3f}[/]", _text(candidate), name)
        console.print(table)
    _note_fewer(outputs["ids"], top, "candidates", console)


def classify(config: PipelineConfig, inputs: Sequence[str], top: int, server: str | None, console: Console) -> None:
    """Print the `top` most probable labels of each text or picture. See `ask`."""
    outputs = _query_one_input(config, "classify", inputs, server, console)
    for row, given in enumerate(inputs):
        table = _table(console, given)
        for label, probability in list(zip(outputs["labels"][row], outputs["probabilities"][row], strict=True))[:top]:
            table.add_row(f"[cyan]{probability:.3f}[/]", _text(label))
        console.print(table)


def similar(config: PipelineConfig, inputs: Sequence[str], top: int, server: str | None, console: Console) -> None:
    """Print the `top` nearest training rows of each text or picture, and the label of most. See `ask`."""
    outputs = _query_one_input(config, "neighbors", inputs, server, console)
    for row, given in enumerate(inputs):
        table = _table(console, given)
        nearest = list(zip(outputs["ids"][row], outputs["labels"][row], outputs["scores"][row], strict=True))[:top]
        for rank, (key, label, score) in enumerate(nearest, 1):
            table.add_row(f"{rank}.", f"[cyan]{score:.3f}[/]", _text(label), f"[dim]{_text(key)}[/]")
        console.print(table)
        (winner, votes), *_ = Counter(label for _, label, _ in nearest).most_common(1)
        console.print(f"{_text(winner)}, {votes} of {len(nearest)}")
    _note_fewer(outputs["ids"], top, "neighbors", console)


def _query_one_input(
    config: PipelineConfig, signature: str, inputs: Sequence[str], server: str | None, console: Console
) -> dict[str, np.ndarray]:
    if not isinstance(config, ClassifyConfig):
        raise UserError(f"{config.name} is a {config.task} pipeline and knows no labels; use ask")
    return query(config, signature, inputs, server=server, console=console)


def _note_fewer(ids: np.ndarray, top: int, key: str, console: Console) -> None:
    """Why fewer than asked for are shown."""
    if ids.shape[1] < top:
        console.print(f"[yellow]![/] the pushed model returns {ids.shape[1]} and no more; {key} says how many")


def _table(console: Console, given: str) -> Table:
    console.print(f"\n[bold]{escape(given)}[/]")
    return Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))


def _text(value: bytes) -> str:
    return escape(value.decode(errors="replace"))
