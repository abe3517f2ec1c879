"""Folders of classes: which files are rows, what their names tell, and what is set aside."""

import os
from pathlib import Path

import pytest

from components.ingest.check import check_source
from components.ingest.errors import DataError
from components.ingest.parse import MAX_LABEL, Record, group_of, name_of
from components.ingest.rows import Reject
from components.ingest.settings import LabelData, PairData
from components.ingest.units import read_records, units_of
from tests.components.ingest.drawn import picture, write


def read(folder: Path, format_: str, **settings: object) -> dict[str, Record | Reject]:
    """What became of each file, by its name in the folder as it can be printed."""
    data = LabelData.model_validate({"path": str(folder), "format": format_, **settings})
    source = check_source(data)
    units = units_of(source.files, source.format)
    places = [(unit.place(item.line), item) for unit in units for item in read_records(unit, data)]
    assert all(line is None for (_, line), _ in places)
    return {name.removeprefix(f"{folder}/"): item for (name, _), item in places}


def fault(item: Record | Reject) -> tuple[str, str]:
    assert isinstance(item, Reject)
    return item.reason, item.detail


def refusal(folder: Path, format_: str = "auto") -> str:
    with pytest.raises(DataError) as caught:
        check_source(LabelData.model_validate({"path": str(folder), "format": format_}))
    return str(caught.value)


# --- pictures ---


def test_a_picture_is_a_row_named_by_its_path_and_grouped_by_its_content(tmp_path: Path) -> None:
    write(tmp_path / "Ko/b.jpg", picture(1))
    write(tmp_path / "猫/a.png", picture(2))
    first, second = group_of(picture(1)), group_of(picture(2))
    assert read(tmp_path, "images") == {
        "Ko/b.jpg": Record(1, (picture(1), "Ko"), "Ko/b.jpg", "", first),
        "猫/a.png": Record(2, (picture(2), "猫"), "猫/a.png", "", second),
    }
    assert first != second
    assert len(first) == 32


@pytest.mark.parametrize(
    "name",
    ["with space.png", " edges .png ", "line\nbreak\n.png", 'quo"te.png', "a;b,c.png", "-dash", "*[x]?.png", "å🙂"],
)
def test_names_of_every_kind_are_taken_as_they_are(tmp_path: Path, name: str) -> None:
    write(tmp_path / "ko" / name.strip(), b"another file that a changed name would lead to")
    write(tmp_path / "ko" / name, picture(3))
    items = read(tmp_path, "images")
    record = items[f"ko/{name}".replace("\n", "\\n")]
    assert isinstance(record, Record)
    assert (record.values, record.id) == ((picture(3), "ko"), f"ko/{name}")


def test_a_name_that_is_not_utf8_sets_its_file_aside_alone(tmp_path: Path) -> None:
    write(tmp_path / "ko/good.png", picture(3))
    write(tmp_path / os.fsdecode(b"ko/b\xe5d.png"), picture(4))
    write(tmp_path / os.fsdecode(b"k\xf6/good.png"), picture(5))
    items = read(tmp_path, "images")
    assert isinstance(items["ko/good.png"], Record)
    assert fault(items["ko/b\\udce5d.png"]) == ("name not UTF-8", "the name of 'ko/b\\udce5d.png'")
    assert fault(items["k\\udcf6/good.png"]) == ("name not UTF-8", "the name of 'k\\udcf6/good.png'")


def test_pictures_that_cannot_be_used_say_why_and_show_their_path(tmp_path: Path) -> None:
    write(tmp_path / "ko/good.png", picture(0))
    write(tmp_path / "ko/cut.png", picture(0)[:-20])
    write(tmp_path / "ko/empty.png", b"")
    write(tmp_path / "ko/text.png", b"no picture")
    write(tmp_path / "ko/large.gif", picture(98))
    items = read(tmp_path, "images", max_pixels=9 * 4)
    assert isinstance(items.pop("ko/good.png"), Record)
    assert {name: (*fault(item), item.excerpt) for name, item in items.items() if isinstance(item, Reject)} == {
        "ko/cut.png": ("truncated or damaged picture", "a PNG that cannot be decoded", "ko/cut.png"),
        "ko/empty.png": ("empty picture", "0 bytes", "ko/empty.png"),
        "ko/text.png": (
            "not a picture",
            "begins with 6e 6f 20 70 69 63 74 75; allowed are PNG, JPEG, GIF, BMP",
            "ko/text.png",
        ),
        "ko/large.gif": ("too many pixels", "13 × 13 pixels, allowed are 36", "ko/large.gif"),
    }
    assert len(items) == 4


def test_links_may_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside.png", picture(6))
    write(tmp_path / "other/cow.png", picture(6))
    inside = write(tmp_path / "data/ko/1.png", picture(7))
    (tmp_path / "data/ko/2.png").symlink_to(outside)
    (tmp_path / "data/ko/3.png").symlink_to("../ko/1.png")
    (tmp_path / "data/ko/4.png").symlink_to("4.png")
    (tmp_path / "data/ko/5.png").symlink_to("nowhere.png")
    (tmp_path / "data/cow").symlink_to(tmp_path / "other")
    items = read(tmp_path / "data", "images")
    assert set(items) == {"ko/1.png", "ko/2.png", "ko/3.png", "cow/cow.png"}  # the others are no files
    assert fault(items["ko/2.png"]) == ("path leaves the folder", f"ko/2.png is not inside {tmp_path}/data")
    assert fault(items["cow/cow.png"])[0] == "path leaves the folder"
    third = items["ko/3.png"]
    assert isinstance(third, Record)
    assert third.values == (inside.read_bytes(), "ko")


def test_a_file_that_cannot_be_read_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "ko/1.png", picture(1))
    write(tmp_path / "ko/2.png", picture(2))

    def read_bytes(file: Path) -> bytes:
        if file.name == "1.png":
            raise OSError(5, "Input/output error")
        return picture(2)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    items = read(tmp_path, "images")
    assert fault(items["ko/1.png"]) == ("file cannot be read", "ko/1.png: Input/output error")
    assert isinstance(items["ko/2.png"], Record)


def test_a_file_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    with write(tmp_path / "ko/1.png", picture(0)).open("r+b") as file:
        file.truncate(200 << 30)  # a sparse file: takes no room
    assert fault(read(tmp_path, "images")["ko/1.png"]) == (
        "file too large",
        "214,748,364,800 bytes, allowed are 67,108,864",
    )


def test_files_that_lie_elsewhere_than_in_a_class_and_hidden_ones_are_no_rows(tmp_path: Path) -> None:
    write(tmp_path / "README.md", b"about")
    write(tmp_path / "ko/deeper/1.png", picture(1))
    write(tmp_path / "ko/.DS_Store", b"hidden")
    write(tmp_path / ".git/config", b"hidden")
    write(tmp_path / "ko/2.png", picture(2))
    assert set(read(tmp_path, "images")) == {"ko/2.png"}


def test_a_label_is_no_longer_than_allowed(tmp_path: Path) -> None:
    write(tmp_path / ("k" * MAX_LABEL) / "1.png", picture(1))
    write(tmp_path / ("K" * (MAX_LABEL + 1)) / "1.png", picture(2))
    short, long = sorted(read(tmp_path, "images").values(), key=lambda item: isinstance(item, Reject))
    assert isinstance(short, Record)
    assert fault(long) == ("label too long", "column label: 201 characters, allowed are 200")


def test_a_class_whose_name_has_a_line_end_is_set_aside(tmp_path: Path) -> None:
    write(tmp_path / "k\no/1.png", picture(1))
    assert fault(read(tmp_path, "images")["k\\no/1.png"]) == ("line end in label", "column label")


def test_units_have_hundreds_of_files_and_lose_none(tmp_path: Path) -> None:
    for number in range(600):
        write(tmp_path / f"{number % 7}/{number:03}.txt", f"text {number}".encode())
    data = LabelData(path=str(tmp_path), format="texts")
    units = units_of(check_source(data).files, "texts")
    assert [len(unit.files) for unit in units] == [256, 256, 88]
    records = [item for unit in units for item in read_records(unit, data) if isinstance(item, Record)]
    assert sorted(record.values for record in records) == sorted((f"text {n}", str(n % 7)) for n in range(600))
    assert [record.line for record in records] == [*range(1, 257), *range(1, 257), *range(1, 89)]


# --- texts ---


def test_a_text_is_the_whole_file_without_white_space_around_it(tmp_path: Path) -> None:
    write(tmp_path / "sport/1.txt", b"\xef\xbb\xbf Lag A\r\nvann \xe5\xa4\xa7!\n\n")
    text = "Lag A\r\nvann 大!"
    assert read(tmp_path, "texts") == {"sport/1.txt": Record(1, (text, "sport"), "sport/1.txt", "", text)}
    assert name_of(text, "sport") != "sport/1.txt"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ("empty text", "column text")),
        (b" \n\t", ("empty text", "column text")),
        (b"\xef\xbb\xbf", ("empty text", "column text")),
        (b"b\xe5d", ("not UTF-8", "byte 0xe5 at position 2")),
        ("ord".encode("utf-16"), ("not UTF-8", "byte 0xff at position 1")),
        (b"cut in a character \xe5\xa4", ("not UTF-8", "byte 0xe5 at position 20")),
        (b"a\0b", ("NUL character in text", "column text")),
        (b"x" * 31, ("text too long", "column text: 31 characters, allowed are 30")),
        (b"x" + b" " * 5000 + b"y", ("text too long", "more than 4,216 bytes, allowed are 30 characters")),
        ("中".encode() * 3000, ("text too long", "more than 4,216 bytes, allowed are 30 characters")),
    ],
)
def test_texts_that_cannot_be_used_say_why(tmp_path: Path, content: bytes, expected: tuple[str, str]) -> None:
    write(tmp_path / "sport/1.txt", content)
    assert fault(read(tmp_path, "texts", max_text_length=30)["sport/1.txt"]) == expected


def test_the_longest_text_passes_and_short_limits_leave_names_alone(tmp_path: Path) -> None:
    write(tmp_path / "a long name of a class/and a long name of a file.txt", "  😀😀😀\n".encode())
    (record,) = read(tmp_path, "texts", max_text_length=3).values()
    assert isinstance(record, Record)
    assert record.values == ("😀😀😀", "a long name of a class")


def test_a_text_may_not_lie_behind_a_link_out_of_the_folder_either(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.txt", b"secret")
    write(tmp_path / "data/sport/1.txt", b"open")
    (tmp_path / "data/sport/2.txt").symlink_to(secret)
    items = read(tmp_path / "data", "texts")
    assert fault(items["sport/2.txt"]) == ("path leaves the folder", f"2.txt is not inside {tmp_path}/data")
    assert isinstance(items["sport/1.txt"], Record)


def test_a_text_that_cannot_be_opened_is_set_aside(tmp_path: Path) -> None:
    write(tmp_path / "sport/1.txt", b"open")
    data = LabelData(path=str(tmp_path), format="texts")
    (unit,) = units_of(check_source(data).files, "texts")
    (tmp_path / "sport/1.txt").unlink()  # since the files were listed
    (item,) = read_records(unit, data)
    assert fault(item) == ("file cannot be read", "No such file or directory")


# --- what is refused as a whole ---


@pytest.mark.parametrize("format_", ["images", "texts"])
def test_a_folder_without_classes_is_refused(tmp_path: Path, format_: str) -> None:
    nothing = f"The folder {tmp_path} (data.path) holds no file in a folder of its class (LABEL/FILE)."
    assert refusal(tmp_path, format_) == nothing
    write(tmp_path / "1.png", picture(1))
    assert refusal(tmp_path, format_) == nothing
    (tmp_path / "empty class").mkdir()
    assert refusal(tmp_path, format_) == nothing
    gone = tmp_path / "gone"
    assert refusal(gone, format_) == f"There is no folder {gone} (data.path)."


@pytest.mark.parametrize("format_", ["images", "texts"])
def test_a_file_is_no_folder_of_classes(tmp_path: Path, format_: str) -> None:
    file = write(tmp_path / "rows.csv", b"text,label\na,b\n")
    text = f"{file} (data.path) is a file; data.format {format_} wants a folder of classes."
    assert refusal(file, format_) == text


def test_a_folder_of_folders_without_a_format_is_told_what_to_set(tmp_path: Path) -> None:
    write(tmp_path / "ko/1.png", picture(1))
    text = (
        f"The folder {tmp_path} (data.path) holds folders and no table; if they are classes (LABEL/FILE) of a"
        " `classify` task, set data.format to images or texts."
    )
    assert refusal(tmp_path) == text
    with pytest.raises(DataError, match="holds folders and no table"):
        check_source(PairData(path=str(tmp_path)))
    write(tmp_path / "notes.md", b"x")
    assert refusal(tmp_path).endswith("it holds notes.md.")
