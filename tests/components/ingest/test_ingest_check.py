"""Every sentence that `check_source` can say, and what it lets through."""

import gzip
import json
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import UserError
from components.ingest.check import check_source
from components.ingest.errors import DataError
from components.ingest.settings import PairColumns, PairData

GOOD = "question,answer\na,b\n"
FAQ = "package:zaragoza_construction_faq/data/faq-en.csv"


def sentence(path: Path | str, **settings: object) -> str:
    """What check_source says."""
    with pytest.raises(DataError) as caught:
        check_source(PairData.model_validate({"path": str(path), **settings}))
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith((".", "?"))
    return text


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_errors_of_data_are_meant_for_the_user() -> None:
    assert issubclass(DataError, UserError)


def test_a_good_file_passes_and_costs_milliseconds(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", GOOD + "c,d\n" * 1_000_000)
    started = time.perf_counter()
    source = check_source(PairData(path=str(path)))
    assert time.perf_counter() - started < 0.05
    assert source.files == (str(path),)


def test_the_example_file_passes() -> None:
    columns = PairColumns(question="q", answer="a", id="id", category="category")
    assert check_source(PairData(path=FAQ, columns=columns)).format == "csv"


def test_nothing_there(tmp_path: Path) -> None:
    assert sentence(tmp_path / "no.csv").startswith(f"There is no file {tmp_path}/no.csv (data.path")
    assert sentence(tmp_path / "*.csv").startswith(f"There is no file {tmp_path}/*.csv (data.path")
    text = sentence(tmp_path, format="jsonl")
    assert text == f"The folder {tmp_path} (data.path) holds no file that ends in .jsonl."


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "secret.csv", GOOD)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root, who runs tests in containers, may read everything
    assert sentence(path) == f"{path} (data.path) may not be read by this user; change its permissions."


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
def test_an_empty_file(tmp_path: Path, content: bytes, format_: str) -> None:
    path = write(tmp_path / f"empty.{format_}", content)
    assert sentence(path) == f"{path} is empty."


@pytest.mark.parametrize(("format_", "content"), [("csv", "question,answer"), ("tsv", "question\tanswer\r\n\r\n")])
def test_a_header_and_no_rows(tmp_path: Path, format_: str, content: str) -> None:
    path = write(tmp_path / f"rows.{format_}", content)
    assert sentence(path) == f"{path} has a header but no rows."


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (GOOD.encode("utf-16"), "written in UTF-16; save it as UTF-8"),
        (GOOD.encode("utf-16-be"), "a binary file"),
        (gzip.compress(GOOD.encode(), mtime=0), "compressed with gzip; unpack it first"),
        (b"PK\x03\x04" + bytes(40), "a zip file or an Excel workbook; export it as CSV in UTF-8"),
        (b"PAR1" + bytes(40), "a Parquet file; set data.format to parquet"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1", "a binary file"),
        (bytes(range(256)) * 100, "a binary file"),
    ],
)
def test_a_file_of_another_kind(tmp_path: Path, content: bytes, what: str) -> None:
    assert sentence(write(tmp_path / "rows.csv", content)) == f"{tmp_path}/rows.csv is not CSV but {what}."


def test_a_row_with_a_nul_or_a_bad_byte_does_not_make_a_text_file_binary(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", GOOD.encode() + b"a\0b,c\nb\xe5d,row\nlast and longest,row\n")
    check_source(PairData(path=str(path)))


def test_a_header_that_cannot_be_read(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", "frÅga,svar\na,b\n".encode("latin-1"))
    expected = f"The header of {path} (line 1) cannot be read: not UTF-8, byte 0xc5 at position 3 of line 1."
    assert sentence(path) == expected


@pytest.mark.parametrize(
    ("header", "columns", "end"),
    [
        ("id,q,a", {}, "has no column 'question'; it has: id, q, a. Name the right one in data.columns."),
        ("Question,answer", {}, "has no column 'question'; it has: Question, answer. Did you mean 'Question'?"),
        ("question,anwser", {}, "has no column 'answer'; it has: question, anwser. Did you mean 'anwser'?"),
        (
            "question,answer",
            {"category": "topic"},
            "has no column 'topic'; it has: question, answer. Name the right one in data.columns.",
        ),
        (
            "question;answer",
            {},
            "has no column 'question'; it has: question;answer."
            " Its fields seem to be separated by semicolons; CSV needs commas, TSV needs tabs.",
        ),
        ("answer,question,answer", {}, "has 2 columns named 'answer'; rename all but one."),
    ],
)
def test_columns_that_are_not_as_named(tmp_path: Path, header: str, columns: dict[str, str], end: str) -> None:
    path = write(tmp_path / "rows.csv", f"{header}\n{header}\n")
    assert sentence(path, columns=columns) == f"{path} {end}"


def test_a_file_of_hundreds_of_columns_is_not_listed_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", ",".join(f"c{number}" for number in range(300)) + "\n")
    assert "c18, c19 and 280 more." in sentence(path)


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"question": "text", "answer": "text"}, "data.columns.question and data.columns.answer are both 'text'"),
        ({"id": "answer"}, "data.columns.answer and data.columns.id are both 'answer'"),
        ({"id": "n", "category": "n"}, "data.columns.id and data.columns.category are both 'n'"),
    ],
)
def test_one_column_for_two_parts(columns: dict[str, str], text: str) -> None:
    assert sentence("rows.csv", columns=columns) == f"{text}; they must differ."


def test_a_group_may_be_a_column_that_plays_another_part(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", "question,answer,topic\na,b,c\n")
    check_source(PairData(path=str(path), columns=PairColumns(category="topic", group="topic")))


def test_jsonl_columns_are_the_keys_of_the_first_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write(path, "oops\n" + json.dumps({"question": "a", "x": 1}) + "\n" + json.dumps({"answer": "b"}))
    check_source(PairData(path=str(path)))
    assert sentence(path, columns={"id": "y"}) == (
        f"{path} has no column 'y'; it has: question, x, answer. Name the right one in data.columns."
    )


@pytest.mark.parametrize(
    ("content", "end"),
    [
        (
            '[\n{"question": "a"}\n]\n',
            "is a JSON array, not JSON Lines; write one object a line, without brackets and commas.",
        ),
        ('\n"a"\n', "is not JSON Lines, one object a line: line 2 is not a JSON object (a str instead)."),
        (
            '{"question"\n',
            "is not JSON Lines, one object a line: line 1 is broken JSON (unexpected end of data: line 2 column 1",
        ),
    ],
)
def test_a_file_that_is_not_jsonl(tmp_path: Path, content: str, end: str) -> None:
    path = write(tmp_path / "rows.jsonl", content)
    assert sentence(path).startswith(f"{path} {end}")


def test_parquet_that_does_not_open_or_lacks_rows_or_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.parquet", GOOD)
    assert sentence(path) == f"{path} is not a Parquet file; set data.format to what it is."
    write(path, b"PAR1" + bytes(200))
    assert sentence(path).startswith(f"{path} does not open as a Parquet file: ")

    def made(**columns: list[object]) -> str:
        pq.write_table(pa.table(columns), path)
        return sentence(path)

    assert made(question=["a"], reply=["b"]).startswith(f"{path} has no column 'answer'; it has: question, reply.")
    assert made(question=["a"], answer=[1.5]) == (
        f"Column 'answer' of {path} has the type double; it must be text or whole numbers."
    )
    pq.write_table(pa.table({"question": pa.array([], pa.string()), "answer": pa.array([], pa.string())}), path)
    assert sentence(path) == f"{path} has no rows."


def test_the_bad_one_of_several_files_is_named(tmp_path: Path) -> None:
    for name in ("a.csv", "c.csv"):
        write(tmp_path / name, GOOD)
    write(tmp_path / "b.csv", "question,reply\na,b\n")
    assert sentence(tmp_path).startswith(f"{tmp_path}/b.csv has no column 'answer'")
