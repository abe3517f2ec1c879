"""Seconds by step and peak memory of `anchorline run`, beside a plain TFX pipeline of the same steps.

    ./dev python -m benchmarks.pipeline --sizes 1000,10000,100000 --output results.md

Every case is a process of its own in a fresh folder, so nothing comes from TFX's cache; one runs at a time.

The same on both sides:
- the rows (see `rows`) and their splits: both deal answers out by the same hash in the shares 8 : 1 : 1;
- tokeniser, vocabulary, encoder, loss, learning rate, batch size, and the number of optimiser steps: the plain side
  takes as many as Anchorline took;
- the candidate library, the `evaluate` signature, the metrics and their slices, one gate that passes;
- the order of the steps, the Beam runner, a SQLite metadata store, no statistics of the transformed data;
- how it is measured: steps by the metadata store of each, memory and processor time from outside.

Not the same:
- The plain side imports `tfx.v1`, tells Beam nothing but its runner (so TFX packs itself up anew for each step that
  runs Beam), uses CsvExampleGen, Transform, Trainer, Evaluator and Pusher as they come, reads records through
  `data_accessor.tf_dataset_factory`, exports two signatures, and is run by LocalDagRunner (`plain_tfx`, `plain_train`).
- Anchorline besides sets bad and repeated rows aside, fails on anomalies, validates each epoch by retrieval and keeps
  the best one (the plain side computes the validation loss once), looks for the version in production, ranks the test
  questions by TF-IDF, exports two more signatures, syncs the pushed version to disk, and proves that the model serves.
  The last has no counterpart that runs without docker: it is listed apart and is in no sum.

Seconds depend on who else uses the machine; processor (CPU) seconds, of all processes of a run, hardly do.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import yaml

from benchmarks.rows import write_rows
from benchmarks.steps import Span, Spans, read_spans
from benchmarks.usage import Usage, measure
from components.ingest.settings import Splits
from components.train.settings import TrainSettings

STEPS = 250
"""Optimiser steps that a run is meant to take at every size, give or take a few: whole passes over the training rows
where one is shorter, else a part of one."""

OUR_NAMES = {
    "CsvExampleGen": "ingest",
    "StatisticsGen": "statistics",
    "SchemaGen": "schema",
    "ExampleValidator": "anomalies",
    "Transform": "transform",
    "Trainer": "train",
    "Evaluator": "evaluate",
    "Pusher": "push",
}
SERVING_CHECK = "serving_check"

ANCHORLINE = [sys.executable, "-m", "pipeline"]
PLAIN = [sys.executable, "-m", "benchmarks.plain_tfx"]


class Cost(NamedTuple):
    """What a part of a run took."""

    seconds: float
    processor: float
    megabytes: float
    """Peak of all processes together."""


Costs = dict[str, Cost]
"""Costs of one run, by the title of their row in the table."""


def costs(usage: Usage, spans: Spans) -> Costs:
    """The costs of one run; steps by the names that Anchorline gives them."""

    def cost(*parts: Span) -> Cost:
        return Cost(
            sum(end - begin for begin, end in parts),
            sum(usage.processor(*part) for part in parts),
            max(usage.peak(*part) for part in parts) / 1e6,
        )

    check = spans.get(SERVING_CHECK, (usage.ended, usage.ended))
    first = min(begin for begin, _ in spans.values())
    after = (check[1], usage.ended)
    found = {
        "imports and start": cost((usage.started, first)),
        **{name: cost(span) for name, span in spans.items() if name != SERVING_CHECK},
        "**all without imports**": cost((first, check[0]), after),
        "**all**": cost((usage.started, check[0]), after),
    }
    if SERVING_CHECK in spans:
        found["serving check, in no sum"] = cost(check)
    return found


def run_anchorline(rows: int, encoder: str, folder: Path) -> tuple[Costs, int]:
    """Measure `anchorline run`; also the number of optimiser steps it took."""
    train = TrainSettings()
    shares = Splits().shares
    expected = rows * shares["train"] / sum(shares.values()) / train.batch_size
    epochs = max(round(STEPS / expected), 1)
    steps_per_epoch = STEPS // epochs
    config = {
        "name": "benchmark",
        "output": str(folder / "out"),
        "data": {"path": str(_data(folder) / "rows.csv"), "columns": {"id": "id", "category": "category"}},
        "model": {"encoder": {"type": encoder}},
        "train": {"epochs": epochs, "patience": epochs, "steps_per_epoch": steps_per_epoch},
        "gates": {"mrr": {"min": 0.0}},
    }
    file = folder / "anchorline.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    usage = measure([*ANCHORLINE, "run", str(file)], folder / "anchorline.log", _temporary(folder))
    trained = json.loads(_only(folder / "out", "artifacts/train/model_run/*/training.json"))
    kept = json.loads(_only(folder / "out", "artifacts/ingest/examples/*/ingest.json"))["kept"]["train"]
    steps = len(trained["history"]["loss"]) * min(max(kept // train.batch_size, 1), steps_per_epoch)
    return costs(usage, read_spans(folder / "out/metadata.sqlite")), steps


def run_plain(rows: int, encoder: str, steps: int, folder: Path) -> Costs:
    """Measure the plain pipeline with so many optimiser steps."""
    shares = Splits().shares
    validated = rows * shares["validation"] // sum(shares.values()) // TrainSettings().batch_size
    output = folder / "plain"
    command = [*PLAIN, str(_data(folder)), str(output), encoder, str(steps), str(max(validated, 1))]
    usage = measure(command, folder / "plain.log", _temporary(folder))
    if not any((output / "serving").glob("*/saved_model.pb")):
        raise RuntimeError(f"the plain pipeline pushed nothing; its log is {folder / 'plain.log'}")
    spans = read_spans(output / "metadata.sqlite")
    return costs(usage, {OUR_NAMES[name]: span for name, span in spans.items()})


def compare(rows: int, encoder: str, repeats: int, folder: Path) -> str:
    """Measure both sides by turns and show the medians as a table in Markdown."""
    ours, plain, steps = list[Costs](), list[Costs](), 0
    for number in range(repeats):
        case = folder / f"{rows}-{number}"
        _data(case).mkdir(parents=True)
        _temporary(case).mkdir()
        write_rows(_data(case) / "rows.csv", rows)
        mine, steps = run_anchorline(rows, encoder, case)
        ours.append(mine)
        plain.append(run_plain(rows, encoder, steps, case))
    title = f"### {rows:,} rows, encoder {encoder}, {steps} optimiser steps"
    head = "|" + "".join(f" | Anchorline {unit} | plain {unit} | ratio" for unit in ("s", "CPU s", "MB")) + " |"
    return "\n".join([title, "", head, "| --- |" + " ---: |" * 9, *_table(ours, plain)])


def _table(ours: list[Costs], plain: list[Costs]) -> list[str]:
    lines = []
    for title in ours[0]:
        cells = [title]
        for part in range(len(Cost._fields)):
            one, two = _median(ours, title, part), _median(plain, title, part)
            cells += [_show(one), _show(two), f"{one / two:.2f}" if one and two else ""]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _median(runs: list[Costs], title: str, part: int) -> float | None:
    found = [run[title][part] for run in runs if title in run]
    return statistics.median(found) if found else None


def _show(value: float | None) -> str:
    return "" if not value else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _data(folder: Path) -> Path:
    return folder / "data"


def _temporary(folder: Path) -> Path:
    return folder / "tmp"


def _only(folder: Path, pattern: str) -> str:
    (file,) = folder.glob(pattern)
    return file.read_text(encoding="utf-8")


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",")]


def main() -> None:
    """Measure each size and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=_sizes, default="1000,10000", help="numbers of rows, with commas between")
    parser.add_argument("--encoder", default="bag", choices=["bag", "lstm"])
    parser.add_argument("--repeats", type=int, default=1, help="runs of each; medians are shown")
    parser.add_argument("--output", type=Path, help="a file for the tables, in Markdown")
    parser.add_argument("--keep", type=Path, help="a folder for all that the runs leave behind")
    options = parser.parse_args()
    tables = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        for rows in options.sizes:
            tables.append(compare(rows, options.encoder, options.repeats, folder))
            print(tables[-1], end="\n\n", flush=True)
            if options.output:
                options.output.write_text("\n\n".join(tables) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
