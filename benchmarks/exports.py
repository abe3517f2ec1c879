"""What a smaller export costs: megabytes, speed and quality of one trained matcher, written in several ways.

    ./dev python -m benchmarks.exports examples/faq.yaml [--set KEY=VALUE …] [--dimensions 256,64] [--splits 5]

The splits are those of `benchmarks.retrieval`. Everything is measured through the signatures of the written model, in
a TF 1 session, as TensorFlow Serving runs it: ranks by `evaluate`, speed by `question` in batches of 32.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.held_out import hold_out
from benchmarks.pair_sets import Pair
from benchmarks.retrieval import read_texts
from components.train.settings import MatchExportSettings, Weights
from pipeline.config import MatchConfig
from pipeline.quiet import chatter_to

COLUMNS = ("MB", "of it variables", "rows/s", "recall@1", "MRR")
WEIGHTS: tuple[Weights, ...] = ("float32", "float16", "int8")
BATCH, ROUNDS = 32, 5


def main(
    config: Path,
    overrides: Annotated[list[str] | None, typer.Option("--set")] = None,
    dimensions: str = "",
    splits: int = 5,
) -> None:
    """Print mean ± standard deviation over the splits."""
    settings, pairs = read_texts(config, overrides or ())
    sizes = [None, *(int(size) for size in dimensions.split(",") if size)]
    ways = {_name(export): export for export in _ways(sizes)}
    with chatter_to(Path(os.devnull)):
        results = [_split(settings, pairs, ways, seed) for seed in range(splits)]
    table = Table(f"{splits} splits", *COLUMNS, box=box.MARKDOWN)
    for name in ways:
        columns = np.array([result[name] for result in results]).T
        megabytes, stored, speed = (column.mean() for column in columns[:3])
        quality = [f"{column.mean():.3f} ± {column.std():.3f}" for column in columns[3:]]
        table.add_row(name, f"{megabytes:.2f}", f"{stored:.2f}", f"{speed:,.0f}", *quality)
    Console(width=120).print(table)


def _ways(sizes: Sequence[int | None]) -> Iterator[MatchExportSettings]:
    for size in sizes:
        for weights in WEIGHTS:
            yield MatchExportSettings(weights=weights, dimensions=size)


def _name(export: MatchExportSettings) -> str:
    return export.weights if export.dimensions is None else f"{export.weights}, {export.dimensions} numbers"


def _split(
    config: MatchConfig, pairs: Sequence[Pair], ways: dict[str, MatchExportSettings], seed: int
) -> dict[str, tuple[float, ...]]:
    """The figures of COLUMNS."""
    from components.train.candidates import Candidates
    from components.train.library import build_library
    from components.train.match import export_match, fit_match
    from components.train.rows import read_rows

    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = hold_out(pairs, seed, folder).files
        candidates = Candidates(files.all)
        trainer = config.model_copy(update={"seed": seed}).trainer_settings
        fitted = fit_match(trainer, files, candidates, progress=False)
        asked = list(read_rows(files.test, ("question", "answer")))
        for way, export in ways.items():
            written = trainer.model_copy(update={"export": export})
            library = build_library(fitted.model, candidates, written, files.validation).library
            export_match(fitted.model, library, written, str(folder / way))
            found[way] = _measure(folder / way, asked)
    return found


def _measure(folder: Path, pairs: Sequence[tuple[bytes, ...]]) -> tuple[float, ...]:
    import tensorflow as tf

    examples = [_example(*pair) for pair in pairs]
    questions = [question for question, _ in pairs]
    batches = [questions[at : at + BATCH] for at in range(0, len(questions), BATCH)]
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session, session.graph.as_default():
        signatures = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(folder)).signature_def
        ranks = _call(session, signatures["evaluate"], examples, "rank")
        _call(session, signatures["question"], batches[0], "vector")
        start = time.perf_counter()
        for _ in range(ROUNDS):
            for batch in batches:
                _call(session, signatures["question"], batch, "vector")
        seconds = time.perf_counter() - start
    return (
        _megabytes(folder),
        _megabytes(folder / "variables"),
        ROUNDS * len(questions) / seconds,
        float(np.mean(ranks <= 1)),
        float(np.mean(1 / ranks)),
    )


def _call(session: Any, signature: Any, values: Sequence[bytes], output: str) -> np.ndarray:
    (given,) = signature.inputs.values()
    return session.run(signature.outputs[output].name, {given.name: np.array(values, object)})


def _example(question: bytes, answer: bytes) -> bytes:
    import tensorflow as tf

    example = tf.train.Example()
    for name, value in (("question", question), ("answer", answer)):
        example.features.feature[name].bytes_list.value.append(value)
    return example.SerializeToString()


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


if __name__ == "__main__":
    typer.run(main)
