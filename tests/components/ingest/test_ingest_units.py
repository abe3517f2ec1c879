"""Places of rows, names that can be shown, and the fingerprint that makes the cache notice changes."""

import doctest
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from components.ingest import units
from components.ingest.settings import DataSettings, LabelData, PairData
from components.ingest.source import locate
from components.ingest.units import Unit, fingerprint, units_of
from tests.components.ingest.drawn import picture, write

SIDES = ["question", "answer"]


def taken(data: DataSettings) -> str:
    source = locate(data)
    return fingerprint(units_of(source.files, source.format), data)


def test_a_place_is_a_file_and_a_line_or_a_file_that_is_a_row_itself() -> None:
    assert Unit(("/d/rows.csv",), "csv").place(7) == ("/d/rows.csv", 7)
    assert Unit(("/d/a/1.png", "/d/a/2.png"), "images").place(2) == ("/d/a/2.png", None)
    assert Unit(("/d/a\n/\udce5.txt",), "texts").place(1) == ("/d/a\\n/\\udce5.txt", None)


def test_examples_in_docstrings() -> None:
    result = doctest.testmod(units)
    assert result.attempted
    assert not result.failed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ko/1.png", "ko/2.png", "katt/1.png"):
        write(tmp_path / "data" / name, picture(1))
    return tmp_path / "data"


def _rewrite(folder: Path) -> None:
    file = folder / "ko/1.png"
    state = file.stat()
    file.write_bytes(bytes(len(picture(1))))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns + 1000))  # within the same second


CHANGES: dict[str, Callable[[Path], object]] = {
    "to another class": lambda folder: (folder / "ko/1.png").rename(folder / "katt/9.png"),
    "to another name": lambda folder: (folder / "ko/1.png").rename(folder / "ko/9.png"),
    "a class by another name": lambda folder: (folder / "ko").rename(folder / "Ko"),
    "content of the same size": _rewrite,
    "one more": lambda folder: write(folder / "ko/3.png", picture(1)),
    "one less": lambda folder: (folder / "ko/2.png").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_folder_of_classes_is_noticed(folder: Path, change: str) -> None:
    data = LabelData(path=str(folder), format="images")
    before = taken(data)
    assert before == taken(data)
    CHANGES[change](folder)
    assert before != taken(data)


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_a_change_of_a_picture_that_a_table_names_is_noticed_and_of_no_other(folder: Path, format_: str) -> None:
    path = folder / f"rows.{format_}"
    lines = {
        "csv": "label,file\nx, ko/1.png \ny,none.png\n",
        "jsonl": '{"label": "x", "file": "ko/1.png"}\n{"label": "y", "file": "none.png"}\nbroken\n{"label": 5}\n',
    }
    path.write_text(lines[format_])
    data = LabelData.model_validate({"path": str(path), "columns": {"image": "file"}})
    texts = LabelData.model_validate({"path": str(path), "columns": {"text": "file"}})
    before, before_of_texts = taken(data), taken(texts)
    write(folder / "ko/2.png", picture(3))
    assert taken(data) == before
    _rewrite(folder)
    changed = taken(data)
    assert changed != before
    write(folder / "none.png", picture(4))
    assert taken(data) not in (before, changed)
    assert taken(texts) == before_of_texts


def test_pictures_of_both_sides_and_of_another_folder_count(folder: Path) -> None:
    path = write(folder.parent / "tables/rows.csv", b"question,answer\nko/1.png,katt/1.png\n")
    settings = {"path": str(path), "image_folder": str(folder)}
    both, answers = (PairData.model_validate({**settings, "images": images}) for images in (SIDES, SIDES[1:]))
    before = taken(both), taken(answers)
    _rewrite(folder)
    assert taken(both) != before[0]
    assert taken(answers) == before[1]
    write(folder / "katt/1.png", picture(2))
    assert taken(answers) != before[1]
