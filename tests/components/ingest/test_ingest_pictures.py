"""Pictures that tables name: with labels and with partners."""

import csv
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.ingest.check import check_source
from components.ingest.errors import DataError
from components.ingest.parse import Record, group_of, name_of
from components.ingest.pictures import Pictures
from components.ingest.rows import Reject
from components.ingest.settings import DataSettings, LabelData, PairData, TableFormat
from components.ingest.units import read_records, units_of
from tests.components.ingest.drawn import picture, write

FORMATS: tuple[TableFormat, ...] = ("csv", "tsv", "jsonl", "parquet")
MAX_PIXELS = 25_000_000

type Cell = str | int | None


def table(path: Path, /, **columns: list[Cell]) -> Path:
    """Writes a table in the format of its ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = list(zip(*columns.values(), strict=True))
    match path.suffix:
        case ".jsonl":
            path.write_text("".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows))
        case ".parquet":
            pq.write_table(pa.table(columns), path)
        case _:
            with path.open("w", newline="") as opened:
                dialect = "excel" if path.suffix == ".csv" else "excel-tab"
                csv.writer(opened, dialect=dialect).writerows([tuple(columns), *rows])
    return path


def read(data: DataSettings) -> list[Record | Reject]:
    source = check_source(data)
    return [item for unit in units_of(source.files, source.format) for item in read_records(unit, data)]


def labelled(path: Path, **settings: object) -> LabelData:
    return LabelData.model_validate({"path": str(path), "columns": {"image": "file"}, **settings})


def faults(items: list[Record | Reject]) -> list[tuple[str, str]]:
    return [(item.reason, item.detail) for item in items if isinstance(item, Reject)]


@pytest.mark.parametrize("format_", FORMATS)
def test_pictures_with_labels(tmp_path: Path, format_: str) -> None:
    write(tmp_path / "in/cow 1.png", picture(1))
    write(tmp_path / "猫.gif", picture(2))
    files: list[Cell] = ["in/cow 1.png", " 猫.gif ", "in/cow 1.png", "in/none.png"]
    path = table(tmp_path / f"rows.{format_}", label=["ko", "katt", "Ko!", "ko"], file=files)
    first = 1 if format_ in ("jsonl", "parquet") else 2
    *records, missing = read(labelled(path))
    assert records == [
        Record(first, (picture(1), "ko"), "in/cow 1.png", "", group_of(picture(1))),
        Record(first + 1, (picture(2), "katt"), "猫.gif", "", group_of(picture(2))),
        Record(first + 2, (picture(1), "Ko!"), "in/cow 1.png", "", group_of(picture(1))),
    ]
    assert missing == Reject(first + 3, "no such file", f"in/none.png in {tmp_path}", "in/none.png")


@pytest.mark.parametrize("format_", ["jsonl", "parquet"])
def test_whole_numbers_are_labels_and_nothing_is_none(tmp_path: Path, format_: str) -> None:
    write(tmp_path / "1.png", picture(1))
    labels: list[Cell] = [7, 0, -3, None]
    items = read(labelled(table(tmp_path / f"rows.{format_}", file=["1.png"] * 4, label=labels)))
    assert [item.values[1] for item in items if isinstance(item, Record)] == ["7", "0", "-3"]
    assert faults(items) == [("no label", "column label")]


def test_labels_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    write(tmp_path / "1.png", picture(1))
    values = ["", "  ", "x" * 201, True, 1.5, ["ko"], "k\no", "k\ro", " k o \n"]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"file": "1.png", "label": value}) + "\n" for value in values))
    items = read(labelled(path))
    assert faults(items) == [
        ("empty label", "column label"),
        ("empty label", "column label"),
        ("label too long", "column label: 201 characters, allowed are 200"),
        ("label is not text", "column label: a bool"),
        ("label is not text", "column label: a float"),
        ("label is not text", "column label: a list"),
        ("line end in label", "column label"),
        ("line end in label", "column label"),
    ]
    assert isinstance(items[-1], Record)
    assert items[-1].values[1] == "k o"


def test_texts_with_labels(tmp_path: Path) -> None:
    path = table(tmp_path / "rows.csv", body=["Lag A vann", "Räntan höjs"], kind=["sport", "economy"])
    data = LabelData.model_validate({"path": str(path), "columns": {"text": "body", "label": "kind"}})
    assert [(item.values, item.group) for item in read(data) if isinstance(item, Record)] == [
        (("Lag A vann", "sport"), "Lag A vann"),
        (("Räntan höjs", "economy"), "Räntan höjs"),
    ]


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ([], (("a.png", "b.png"), name_of("a.png", "b.png"), "", "b.png")),
        (["question"], ((picture(1), "b.png"), name_of(picture(1), "b.png"), "", "b.png")),
        (["answer"], (("a.png", picture(2)), "b.png", "", group_of(picture(2)))),
        (["answer", "question"], ((picture(1), picture(2)), "b.png", "", group_of(picture(2)))),
    ],
)
@pytest.mark.parametrize("format_", FORMATS)
def test_pictures_with_partners(tmp_path: Path, format_: str, images: list[str], expected: tuple[object, ...]) -> None:
    write(tmp_path / "a.png", picture(1))
    write(tmp_path / "b.png", picture(2))
    path = table(tmp_path / f"rows.{format_}", answer=["b.png"], question=["a.png"])
    (item,) = read(PairData.model_validate({"path": str(path), "images": images}))
    assert item[1:] == expected


def test_the_folder_of_pictures_may_be_another_than_the_tables(tmp_path: Path) -> None:
    write(tmp_path / "pictures/a.png", picture(1))
    write(tmp_path / "tables/a.png", picture(2))
    path = table(tmp_path / "tables/rows.csv", file=["a.png", "../tables/a.png"], label=["x", "y"])
    record, refused = read(labelled(path, image_folder=str(tmp_path / "pictures")))
    assert isinstance(record, Record)
    assert record.values == (picture(1), "x")
    assert isinstance(refused, Reject)
    assert refused.reason == "path leaves the folder"


@pytest.mark.parametrize("which", ["../secret.png", "in/../../secret.png", "{root}/secret.png", "link.png", "in/link"])
def test_no_path_leads_out_of_the_folder(tmp_path: Path, which: str) -> None:
    secret = write(tmp_path / "secret.png", picture(1))
    write(tmp_path / "data/in/a.png", picture(2))
    (tmp_path / "data/link.png").symlink_to(secret)
    (tmp_path / "data/in/link").symlink_to("../../secret.png")
    name = which.format(root=tmp_path)
    pictures = Pictures(tmp_path / "data", MAX_PIXELS)
    assert pictures.read(name) == ("path leaves the folder", f"{name} is not inside {tmp_path}/data")


@pytest.mark.parametrize("which", ["in/a.png", "in/../in//a.png", "{root}/data/in/a.png", "inner", "./in/a.png"])
def test_paths_that_stay_in_the_folder_are_read(tmp_path: Path, which: str) -> None:
    write(tmp_path / "data/in/a.png", picture(2))
    (tmp_path / "data/inner").symlink_to("in/a.png")
    (tmp_path / "link").symlink_to("data")
    for folder in (tmp_path / "data", tmp_path / "link"):
        assert Pictures(folder, MAX_PIXELS).read(which.format(root=tmp_path)) == picture(2)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none.png", "no such file"),
        (".", "no such file"),
        ("in", "no such file"),
        ("in/a.png/b.png", "no such file"),
        ("loop", "no such file"),
        ("x" * 300, "file cannot be read"),
        ("y/" * 3000, "file cannot be read"),
        ("", "no such file"),
        ("pipe", "no such file"),
        ("in/text.png", "not a picture"),
    ],
)
def test_names_of_what_is_no_picture(tmp_path: Path, name: str, reason: str) -> None:
    write(tmp_path / "in/a.png", picture(2))
    write(tmp_path / "in/text.png", b"text")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    found = Pictures(tmp_path, MAX_PIXELS).read(name)
    assert isinstance(found, tuple)
    assert found[0] == reason


def test_without_a_check_a_picture_is_not_decoded(tmp_path: Path) -> None:
    write(tmp_path / "text.png", b"text")
    assert Pictures(tmp_path, MAX_PIXELS, check=False).read("text.png") == b"text"


@pytest.mark.parametrize("format_", FORMATS)
def test_a_column_that_is_missing_is_an_error_before_the_run(tmp_path: Path, format_: str) -> None:
    path = table(tmp_path / f"rows.{format_}", file=["a.png"], labels=["x"])
    with pytest.raises(DataError) as caught:
        check_source(labelled(path))
    assert str(caught.value) == f"{path} has no column 'label'; it has: file, labels. Did you mean 'labels'?"
    with pytest.raises(DataError, match=r"has no column 'picture'; it has: file, labels\. Name the right one"):
        check_source(labelled(path, columns={"image": "picture", "label": "labels"}))


def test_one_column_cannot_be_picture_and_label(tmp_path: Path) -> None:
    path = table(tmp_path / "rows.csv", file=["a.png"])
    with pytest.raises(DataError) as caught:
        check_source(labelled(path, columns={"image": "file", "label": "file"}))
    assert str(caught.value) == "data.columns.image and data.columns.label are both 'file'; they must differ."
