"""Each loss of `classify` beside plain cross-entropy: the same data, encoder, steps and seeds.

    ./dev python -m benchmarks.losses mnist bbc 20newsgroups [--seeds 3]

Every model is trained for a fixed number of epochs and taken as it is after the last; no row of the test split is
looked at before. Neighbours are found among the training rows by cosine; most of 5 decide.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.datasets import NAMES, Dataset, load
from benchmarks.originals import (
    LSTM,
    ORIGINAL_PICTURE,
    ORIGINAL_TEXT,
    VOCABULARY,
    picture_encoder,
)
from components.encoders.settings import CnnSettings, EmbeddingBagSettings, EncoderSettings
from components.losses.settings import (
    ArcFaceSettings,
    CenterSettings,
    ClassifyLossSettings,
    ContrastiveSettings,
    SoftmaxSettings,
)
from components.search.settings import IndexSettings
from components.train.files import Files
from components.train.settings import TrainSettings
from pipeline.quiet import chatter_to

COLUMNS = ("accuracy", "5-NN accuracy", "ECE", "distance ratio", "seconds")

LOSSES: dict[str, ClassifyLossSettings] = {
    "cross-entropy": SoftmaxSettings(type="softmax", smoothing=0),
    "smoothed 0.1": SoftmaxSettings(type="softmax", smoothing=0.1),
    "center": CenterSettings(type="center"),
    "center, paper's rate 0.5": CenterSettings(type="center", rate=0.5),
    "supervised contrastive": ContrastiveSettings(type="supervised_contrastive"),
    "arcface": ArcFaceSettings(type="arcface"),
}


class Candidate(NamedTuple):
    """One model of the comparison, and its pace, which all losses of one encoder share."""

    name: str
    encoder: EncoderSettings
    loss: ClassifyLossSettings
    pace: TrainSettings


def main(
    datasets: Annotated[list[str], typer.Argument(help=f"Of {', '.join(NAMES)}.")],
    seeds: int = 3,
    only: Annotated[str, typer.Option(help="Models whose name holds this.")] = "",
) -> None:
    """Print mean ± standard deviation over the seeds."""
    console = Console(width=160)
    for name in datasets:
        data = load(name)
        table = Table(f"{name}, {len(data.train.labels):,} / {len(data.test.labels):,}", *COLUMNS, box=box.MARKDOWN)
        with tempfile.TemporaryDirectory() as folder, chatter_to(Path(folder) / "log"):
            from benchmarks.labelled import write_dataset

            files = write_dataset(Path(folder), data, VOCABULARY)
            reference = _reference(data)
            table.add_row(reference[0], *(f"{value:.3f}" for value in reference[1]), "", "", "")
            for candidate in candidates(name):
                if only in candidate.name:
                    results = [_train_and_judge(candidate, files, seed) for seed in range(seeds)]
                    table.add_row(candidate.name, *_cells(results))
                    console.print(f"{name}, {candidate.name}: {' | '.join(_cells(results))}", style="dim")
        console.print(table)


def candidates(dataset: str) -> Iterator[Candidate]:
    """The original of this kind of data, plain cross-entropy with its encoder, and every loss with the default one."""
    if dataset == "mnist":
        original: EncoderSettings = picture_encoder(28, 1)
        encoder: EncoderSettings = CnnSettings(size=(28, 28), channels=1, dimensions=32, dropout=0)
        pace = TrainSettings(epochs=12, batch_size=32, learning_rate=0.006, schedule="cosine")
        original_pace = pace.model_copy(update={"learning_rate": None})
        name, its_loss, plain = ORIGINAL_PICTURE, LOSSES["center"], "original's CNN, cross-entropy"
    else:
        original, original_pace = LSTM, TrainSettings(epochs=12, batch_size=128, learning_rate=0.004)
        encoder, pace = EmbeddingBagSettings(), TrainSettings(epochs=16 if dataset == "bbc" else 8)
        name, its_loss, plain = ORIGINAL_TEXT, LOSSES["smoothed 0.1"], "original's LSTM, cross-entropy"
    yield Candidate(plain, original, LOSSES["cross-entropy"], original_pace)
    yield Candidate(name, original, its_loss, original_pace)
    for name, loss in LOSSES.items():
        yield Candidate(f"{encoder.type}, {name}", encoder, loss, pace)


def _cells(results: Sequence[Sequence[float]]) -> list[str]:
    columns = np.array(results).T
    figures = [f"{column.mean():.3f} ± {column.std():.3f}" for column in columns[:-1]]
    return [*figures, f"{columns[-1].mean():.0f}"]


def _reference(data: Dataset) -> tuple[str, tuple[float, float]]:
    """A plain method's accuracy and 5-NN accuracy."""
    import tensorflow as tf

    from components.evaluate.plain_classifiers import naive_bayes_reference, pixel_reference
    from components.pictures.decode import decode_pictures

    if isinstance(data.train.inputs[0], bytes):
        train, test = (decode_pictures(tf.constant(split.inputs), 28, 28, 1).numpy() for split in data)
        found = pixel_reference(train, data.train.labels, test, data.test.labels, max_test=len(test))
        return "5-NN on pixels", (found["accuracy"], found["neighbor_accuracy"])
    found = naive_bayes_reference(*data.train, *data.test, max_test=len(data.test.inputs))
    return "TF-IDF + naive Bayes", (found["accuracy"], found["neighbor_accuracy"])


def _train_and_judge(candidate: Candidate, files: Files, seed: int) -> tuple[float, ...]:
    """The figures of COLUMNS."""
    import keras

    from components.evaluate.classification import accuracy, distance_ratio, expected_calibration_error
    from components.train.classify import build_model, build_references, judge, label_batches
    from components.train.fit import adam
    from components.train.rows import read_batches

    keras.utils.set_random_seed(seed)
    model = build_model(candidate.encoder, candidate.loss, candidate.encoder.modality, files)
    pace = candidate.pace
    batches, steps = label_batches(model, files, pace.batch_size, seed)
    rate = pace.learning_rate or candidate.encoder.learning_rate
    model.compile(optimizer=adam(rate, pace.schedule, steps * pace.epochs))
    start = time.monotonic()
    model.fit(batches, steps_per_epoch=steps, epochs=pace.epochs, shuffle=False, verbose=0)
    seconds = time.monotonic() - start
    references, _ = build_references(model, files, IndexSettings(type="exact"), seed)
    judged = []
    for raw, labels in read_batches(files.test, (model.tower.name, "label"), 256):
        outputs = judge(model, references, model.vectors(raw), labels)
        judged.append({name: value.numpy() for name, value in outputs.items()})
    joined = {name: np.concatenate([one[name] for one in judged]) for name in judged[0]}
    return (
        accuracy(joined["correct"]),
        accuracy(joined["neighbor_correct"]),
        expected_calibration_error(joined["confidence"], joined["correct"]),
        distance_ratio(joined["vector"], joined["label"]),
        seconds,
    )


if __name__ == "__main__":
    typer.run(main)
