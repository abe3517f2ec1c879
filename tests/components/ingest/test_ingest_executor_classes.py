"""The executor on folders of classes and on tables of pictures, really run by Beam."""

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from components.ingest import pictures
from components.ingest.parse import group_of
from components.ingest.settings import LabelData, PairData
from components.pictures.check import check_picture
from tests.components.ingest.drawn import picture, write
from tests.components.ingest.running import SPLITS, Ingested, ingest, refused


class Classes(NamedTuple):
    folder: Path
    done: Ingested
    checked: list[bytes]


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Classes:
    """Pictures 0 to 89 in three classes; some of them again; and others that are bad."""
    folder = tmp_path_factory.mktemp("classes") / "data"
    for number in range(90):
        write(folder / ("häst", "ko", "猫")[number % 3] / f"{number:02}.png", picture(number))
    for number in range(0, 30, 3):
        write(folder / "häst" / f"again {number:02}.png", picture(number))  # picture and label are there already
    for number in range(1, 31, 3):
        write(folder / "häst" / f"other {number:02}.png", picture(number))  # the picture, with another label
    outside = write(folder.parent / "outside.png", picture(95))
    (folder / "ko/link.png").symlink_to(outside)
    write(folder / os.fsdecode(b"ko/b\xe5d.png"), picture(96))
    write(folder / "ko/line\nbreak.png", picture(97)[:-30])
    write(folder / "猫/, text.png", b"This is no picture.")
    write(folder / "猫/empty.png", b"")
    checked: list[bytes] = []

    def counted(content: bytes, max_pixels: int) -> tuple[str, str] | None:
        checked.append(content)
        return check_picture(content, max_pixels)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "check_picture", counted)
        data = LabelData(path=str(folder), format="images", max_bad_fraction=0.05)
        done = ingest(data, folder.parent / "out", folder.parent / "rejected.csv")
    return Classes(folder, done, checked)


def test_all_files_are_accounted_for(classes: Classes) -> None:
    summary = classes.done.summary
    assert summary.files == [f"{classes.folder}/*/*"]
    assert (summary.rows, sum(summary.kept.values()), summary.duplicates, summary.bad) == (115, 100, 10, 5)
    assert summary.kept == {split: len(classes.done.examples[split]) for split in SPLITS}
    assert summary.distinct == {"image": 90, "label": 3, "group": 90}


def test_each_picture_is_decoded_once_in_the_whole_run(classes: Classes) -> None:
    files = [file for file in classes.folder.glob("*/*") if "outside" not in str(file.resolve())]
    read = [file.read_bytes() for file in files if file.name.isprintable() or "\n" in file.name]
    assert sorted(classes.checked) == sorted(read)
    assert len(read) == 113


def test_the_bytes_of_a_picture_arrive_as_they_are_in_its_file(classes: Classes) -> None:
    for row in classes.done.rows:
        name = row["id"].decode()
        content = (classes.folder / name).read_bytes()
        assert row["image"] == content
        assert row["label"].decode() == name.partition("/")[0]
        assert row["group"].decode() == group_of(content)
        assert row["category"] == b""
    assert {row["image"] for row in classes.done.rows} == {picture(number) for number in range(90)}


def test_a_picture_under_two_names_is_kept_once_under_the_first(classes: Classes) -> None:
    names = {row["id"].decode() for row in classes.done.rows}
    assert {f"häst/{number:02}.png" for number in range(0, 90, 3)} <= names
    assert not any("again" in name for name in names)


def test_a_picture_under_two_labels_is_kept_twice_in_one_split(classes: Classes) -> None:
    homes = [classes.done.split_of("image", picture(number)) for number in range(1, 31, 3)]
    assert all(len(splits) == 1 for splits in homes)
    assert len(set.union(*homes)) > 1
    for number in range(1, 31, 3):
        rows = [row for row in classes.done.rows if row["image"] == picture(number)]
        assert sorted(row["label"].decode() for row in rows) == ["häst", "ko"]


def test_rejects_name_the_file_and_no_line(classes: Classes) -> None:
    folder = classes.folder
    assert [(row["file"], row["line"], row["reason"]) for row in classes.done.rejects] == [
        (f"{folder}/ko/b\\udce5d.png", "", "name not UTF-8"),
        (f"{folder}/ko/line\\nbreak.png", "", "truncated or damaged picture"),
        (f"{folder}/ko/link.png", "", "path leaves the folder"),
        (f"{folder}/猫/, text.png", "", "not a picture"),
        (f"{folder}/猫/empty.png", "", "empty picture"),
    ]
    assert classes.done.rejects[1]["excerpt"] == "ko/line·break.png"
    assert classes.done.summary.rejected["empty picture"].first == f"{folder}/猫/empty.png"
    assert (folder.parent / "rejected.csv").read_bytes() == (folder.parent / "out/rejected.csv").read_bytes()


def test_texts_of_classes(tmp_path: Path) -> None:
    folder = tmp_path / "news"
    for number in range(60):
        label = ("sport", "economy")[number % 2]
        write(folder / label / f"{number:02}.txt", f" Nyhet {number}\nMer text.\n".encode())
    write(folder / "sport/again.txt", b"Nyhet 1\nMer text.")
    write(folder / "economy/0 again.txt", b"Nyhet 1\nMer text.")
    write(folder / "sport/bad.txt", b"r\xe4ntan")
    done = ingest(LabelData(path=str(folder), format="texts", max_bad_fraction=0.02), tmp_path / "out")
    summary = done.summary
    assert (summary.rows, sum(summary.kept.values()), summary.duplicates, done.reasons) == (63, 61, 1, {"not UTF-8": 1})
    assert done.rejects == [
        {
            "file": f"{folder}/sport/bad.txt",
            "line": "",
            "reason": "not UTF-8",
            "detail": "byte 0xe4 at position 2",
            "excerpt": "sport/bad.txt",
        }
    ]
    assert summary.distinct == {"text": 60, "label": 2, "group": 60}
    assert len(done.split_of("text", b"Nyhet 1\nMer text.")) == 1
    row = next(row for row in done.rows if row["id"] == b"economy/03.txt")
    assert {name: value.decode() for name, value in row.items()} == {
        "text": "Nyhet 3\nMer text.",
        "label": "economy",
        "id": "economy/03.txt",
        "category": "",
        "group": "Nyhet 3\nMer text.",
    }


def test_tables_of_pictures_with_labels(tmp_path: Path) -> None:
    for number in range(60):
        write(tmp_path / f"in/{number}.png", picture(number))
    write(tmp_path / "in/copy.png", picture(7))
    rows = [(f"in/{number}.png", number % 4, f"n{number}") for number in range(60)]
    rows += [("in/copy.png", 3, "copy, same label"), ("in/copy.png", 2, "copy, other label"), ("../x.png", 1, "bad")]
    lines = [f'{{"file": "{file}", "kind": {label}, "n": "{name}"}}\n' for file, label, name in rows]
    write(tmp_path / "1.jsonl", "".join(lines[:20]).encode())
    write(tmp_path / "2.jsonl", "".join(lines[20:]).encode())
    columns = {"image": "file", "label": "kind", "id": "n"}
    data = LabelData.model_validate({"path": f"{tmp_path}/*.jsonl", "columns": columns, "max_bad_fraction": 0.02})
    done = ingest(data, tmp_path / "out")
    assert (done.summary.rows, sum(done.summary.kept.values()), done.summary.duplicates) == (63, 61, 1)
    assert [(row["file"], row["line"], row["reason"]) for row in done.rejects] == [
        (f"{tmp_path}/2.jsonl", "43", "path leaves the folder")
    ]
    assert len(done.split_of("image", picture(7))) == 1
    assert {row["label"] for row in done.rows if row["image"] == picture(7)} == {b"3", b"2"}
    assert {row["id"].decode(): row["image"] for row in done.rows if row["id"] != b"copy, other label"} == {
        f"n{number}": picture(number) for number in range(60)
    }


def test_tables_of_texts_and_the_pictures_that_answer_them(tmp_path: Path) -> None:
    for number in range(20):
        write(tmp_path / f"{number}.png", picture(number))
        write(tmp_path / f"copy of {number}.png", picture(number))
    rows = [f"Fråga {n} och {m},{('', 'copy of ')[m % 2]}{n}.png" for n in range(20) for m in range(4)]
    path = write(tmp_path / "rows.csv", "\n".join(["question,answer", *rows, rows[0], rows[1]]).encode())
    done = ingest(PairData(path=str(path), images=("answer",)), tmp_path / "out")
    assert (done.summary.rows, sum(done.summary.kept.values()), done.summary.duplicates) == (82, 80, 2)
    assert done.summary.distinct == {"question": 80, "answer": 20, "group": 20}
    for number in range(20):
        assert len(done.split_of("answer", picture(number))) == 1
        assert sum(row["answer"] == picture(number) for row in done.rows) == 4


def test_one_class_is_refused(tmp_path: Path) -> None:
    for number in range(40):
        write(tmp_path / f"data/ko/{number}.png", picture(number))
    text = refused(LabelData(path=str(tmp_path / "data"), format="images"), tmp_path / "out")
    assert text == "All 40 rows left have the same label; there must be 2 or more different ones."


def test_one_picture_over_and_over_is_refused(tmp_path: Path) -> None:
    for number in range(8):
        write(tmp_path / f"data/{number % 4}/{number}.png", picture(5))
    text = refused(LabelData(path=str(tmp_path / "data"), format="images"), tmp_path / "out")
    assert text == "All 4 rows left have the same image; there must be 2 or more different ones."


def test_too_many_bad_pictures_stop_the_run_and_the_first_is_named(tmp_path: Path) -> None:
    for number in range(18):
        write(tmp_path / f"data/{number % 2}/{number:02}.png", picture(number))
    for name in ("0/b.png", "1/a.png"):
        write(tmp_path / "data" / name, b"text")
    data = LabelData(path=str(tmp_path / "data"), format="images", max_bad_fraction=0.09)
    rejects = tmp_path / "rejected.csv"
    assert refused(data, tmp_path / "out", rejects) == (
        "2 of 20 rows (10.0%) are bad, more than data.max_bad_fraction = 0.09 allows:"
        f" not a picture (2, first {tmp_path}/data/0/b.png); the list is in {rejects}."
    )
    assert len(rejects.read_text().splitlines()) == 3
