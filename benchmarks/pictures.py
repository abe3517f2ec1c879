"""Pictures a second through the input pipeline and through training, beside Keras's own way.

    ./dev python -m benchmarks.pictures [--count 9600] [--size 64]

Both read the same JPEG files (320 × 240) of a folder of classes, make floats of the same size, and train the same
layers with the same optimiser and steps, in turn, in one process. Ours reads what the ingest step keeps, encoded
pictures in TFRecords; the plain way is `keras.utils.image_dataset_from_directory` and `fit`. The first pass, from
nothing to its end, is told apart, because ours keeps what fits into memory; streamed is what does not fit.
"""

import io
import tempfile
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from unittest.mock import patch

import numpy as np
import typer
from PIL import Image
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.datasets import Dataset, Input, Split
from components.encoders.settings import CnnSettings
from components.losses.settings import SoftmaxSettings
from pipeline.quiet import chatter_to

BATCH_SIZE = 64
CLASSES = 10
WIDTH, HEIGHT = 320, 240
PASSES = 10
STREAMED = 4
EPOCHS = 3


def main(count: int = 9600, size: int = 64) -> None:
    """Print both ways and their ratios."""
    table = Table("pictures a second", "Anchorline", "plain Keras", "ratio", box=box.MARKDOWN)
    with tempfile.TemporaryDirectory() as folder, chatter_to(Path(folder) / "log"):
        data = _draw(count)
        _write_folders(Path(folder) / "pictures", data.train)
        for name, ours, plain in _measure(Path(folder), data, size):
            table.add_row(name, f"{ours:,.0f}", f"{plain:,.0f}", f"{ours / plain:.2f}")
    Console(width=120).print(table)


def _draw(count: int) -> Dataset:
    """Smooth random pictures as JPEG files, a tint a class."""
    random = np.random.default_rng(0)
    inputs: list[Input] = []
    labels: list[str] = []
    for number in range(count):
        label = number % CLASSES
        coarse = random.integers(0, 256, (HEIGHT // 20, WIDTH // 20, 3), np.uint8)
        coarse[..., label % 3] //= 1 + label
        file = io.BytesIO()
        Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
        inputs.append(file.getvalue())
        labels.append(str(label))
    split = Split(inputs, labels)
    return Dataset(split, Split(inputs[:1], labels[:1]))


def _write_folders(folder: Path, split: Split) -> None:
    for number, (content, label) in enumerate(zip(split.inputs, split.labels, strict=True)):
        file = folder / label / f"{number:05d}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        assert isinstance(content, bytes)  # noqa: S101
        file.write_bytes(content)


def _measure(folder: Path, data: Dataset, size: int) -> Iterable[tuple[str, float, float]]:
    import keras

    from benchmarks.labelled import write_dataset
    from components.encoders.cnn import cnn_layers
    from components.train import data as train_data
    from components.train.classify import build_model, label_batches

    keras.utils.set_random_seed(0)
    settings = CnnSettings(size=(size, size))
    files = write_dataset(folder, data, 1)
    model = build_model(settings, SoftmaxSettings(type="softmax", smoothing=0), "image", files)
    model.compile(optimizer=keras.optimizers.Adam(settings.learning_rate))

    start = time.monotonic()
    batches, steps = label_batches(model, files, BATCH_SIZE, seed=0)
    ours_passes = _passes(islice(iter(batches), steps * PASSES), steps, start)
    start = time.monotonic()
    plain = keras.utils.image_dataset_from_directory(
        folder / "pictures", image_size=(size, size), batch_size=BATCH_SIZE, seed=0, verbose=False
    )
    plain_passes = _passes((batch for _ in range(PASSES) for batch in plain), len(plain), start)
    yield "reading, first pass", ours_passes[0], plain_passes[0]
    yield f"reading, {PASSES} passes", _harmonic_mean(ours_passes), _harmonic_mean(plain_passes)
    with patch.object(train_data, "MAX_MEMORY", 0):
        batches, _ = label_batches(model, files, BATCH_SIZE, seed=0)
    streamed = _passes(islice(iter(batches), steps * STREAMED), steps, time.monotonic())
    yield "reading, streamed, later passes", _harmonic_mean(streamed[1:]), _harmonic_mean(plain_passes[1:])

    layers = [keras.layers.Rescaling(1 / 255), *cnn_layers(settings), keras.layers.Dense(CLASSES)]
    plain_model = keras.Sequential([keras.Input((size, size, 3)), *layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    plain_model.compile(optimizer=keras.optimizers.Adam(settings.learning_rate), loss=loss, metrics=["accuracy"])
    clock = _EpochClock()
    batches, _ = label_batches(model, files, BATCH_SIZE, seed=0)
    model.fit(batches, steps_per_epoch=steps, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=[clock.callback()])
    ours = steps * BATCH_SIZE / clock.later()
    clock = _EpochClock()
    plain_model.fit(plain, epochs=EPOCHS, verbose=0, callbacks=[clock.callback()])
    yield "training, later epochs", ours, len(data.train.labels) / clock.later()


def _passes(batches: Iterable[object], steps: int, start: float) -> list[float]:
    """Pictures a second of each pass."""
    rates = []
    for number, _ in enumerate(batches, 1):
        if number % steps == 0:
            now = time.monotonic()
            rates.append(steps * BATCH_SIZE / (now - start))
            start = now
    return rates


def _harmonic_mean(rates: list[float]) -> float:
    """The rate over several passes of one length."""
    return len(rates) / sum(1 / rate for rate in rates)


class _EpochClock:
    """Seconds of each epoch."""

    def __init__(self) -> None:
        self._ends: list[float] = []

    def callback(self) -> object:
        """What tells this clock."""
        import keras

        return keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: self._ends.append(time.monotonic()))

    def later(self) -> float:
        """Of an epoch after the first, which traces and compiles."""
        return float(np.mean(np.diff(self._ends)))


if __name__ == "__main__":
    typer.run(main)
