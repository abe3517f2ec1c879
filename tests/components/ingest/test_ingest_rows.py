"""Readers: every format, every way in which a row can be broken, and the line it is at."""

import hashlib
import json
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.ingest import delimited, lines
from components.ingest.errors import DataError
from components.ingest.rows import Reject, Row, read_rows, reject
from components.ingest.settings import TableFormat

QA = ("question", "answer")


def read(path: Path, format_: TableFormat = "csv", columns: tuple[str, ...] = QA) -> list[Row | Reject]:
    return list(read_rows(str(path), format_, columns))


def csv_of(tmp_path: Path, text: str | bytes, header: str = "question,answer\n") -> Path:
    path = tmp_path / "rows.csv"
    path.write_bytes(header.encode() + (text if isinstance(text, bytes) else text.encode()))
    return path


def places(items: list[Row | Reject]) -> list[tuple[int, str]]:
    """(line, reason or first value) of each."""
    return [(item.line, item.reason if isinstance(item, Reject) else str(item.values[0])) for item in items]


# --- CSV and TSV ---


def test_csv_columns_come_in_the_order_asked_for(tmp_path: Path) -> None:
    path = csv_of(tmp_path, "7,Now.,When?\n", header="n,answer, question \n")
    assert read(path, columns=("question", "n", "answer")) == [Row(2, ("When?", "7", "Now."))]


def test_quoted_line_ends_count_as_lines_and_stay_in_the_text(tmp_path: Path) -> None:
    path = csv_of(tmp_path, '"a\nb","c\r\nd"\nlast,x\n')
    assert read(path) == [Row(2, ("a\nb", "c\r\nd")), Row(5, ("last", "x"))]


def test_byte_order_mark_crlf_blank_lines_and_a_missing_last_line_end(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b'\xef\xbb\xbfquestion,answer\r\na,b\r\n\r\n"c ""d""",e')
    assert read(path) == [Row(2, ("a", "b")), Row(4, ('c "d"', "e"))]


def test_tsv_has_tabs_and_leaves_commas_alone(tmp_path: Path) -> None:
    path = tmp_path / "rows.tsv"
    path.write_text('question\tanswer\nyes, or no?\t"two\twords"\n')
    assert read(path, "tsv") == [Row(2, ("yes, or no?", "two\twords"))]


def test_mixed_scripts_come_through_as_written(tmp_path: Path) -> None:
    rows = [("Hur söker jag bygglov? Åäö", "På nätet."), ("我需要许可证吗？", "需要。"), ("👩🏽‍🚒?", "🧯\u200b")]
    path = csv_of(tmp_path, "".join(f"{q},{a}\n" for q, a in rows))
    assert [item.values for item in read(path) if isinstance(item, Row)] == rows


@pytest.mark.parametrize(
    ("row", "reason", "detail"),
    [
        (b"only one\n", "wrong number of fields", "1 where the header has 2"),
        (b"one,two,three\n", "wrong number of fields", "3 where the header has 2"),
        ("lösning,x\n".encode("latin-1"), "not UTF-8", "byte 0xf6 at position 2 of line 3"),
        (b'"lost,x\n', "not valid CSV", "',' expected after '\"'"),
        (b'"a" b,x\n', "not valid CSV", "',' expected after '\"'"),
        (b"a\rb,x\n", "not valid CSV", "a carriage return without a line feed"),
    ],
)
def test_a_broken_csv_row_is_set_aside_alone(tmp_path: Path, row: bytes, reason: str, detail: str) -> None:
    items = read(csv_of(tmp_path, b"good,1\n" + row + b'"next","2"\n'))
    assert places(items) == [(2, "good"), (3, reason), (4, "next")]
    assert isinstance(items[1], Reject)
    assert items[1].detail == detail
    assert items[1].excerpt


def test_a_bad_byte_in_the_second_line_of_a_row_sets_the_row_aside_once(tmp_path: Path) -> None:
    items = read(csv_of(tmp_path, b'"a\nb\xff\nc",d\nnext,2\n'))
    assert places(items) == [(2, "not UTF-8"), (5, "next")]
    assert isinstance(items[0], Reject)
    assert items[0].detail == "byte 0xff at position 2 of line 3"


def test_a_quote_that_is_never_closed_loses_one_line_not_the_file(tmp_path: Path) -> None:
    good = "".join(f"question {number},answer {number}\n" for number in range(20_000))
    items = read(csv_of(tmp_path, '"open,x\n' + good))
    assert places(items)[:2] == [(2, "not valid CSV"), (3, "question 0")]
    assert isinstance(items[0], Reject)
    assert items[0].detail == "a quote is not closed within 131,072 characters"
    assert len(items) == 20_001
    assert places(read(csv_of(tmp_path, 'a,b\n"open,x\nc,d')))[1:] == [(3, "not valid CSV"), (4, "c")]


def test_a_record_without_end_is_given_up_in_time_linear_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line closes the quote of the one before and opens one: whatever the start, the record never ends."""
    monkeypatch.setattr(delimited, "MAX_RECORD", 12_000)
    take = delimited._Lines.__next__
    taken: list[None] = []

    def counted(lines_: delimited._Lines) -> str:
        taken.append(None)
        return take(lines_)

    monkeypatch.setattr(delimited._Lines, "__next__", counted)
    count = 50_000
    items = read(csv_of(tmp_path, 'a","b\n' * count))
    assert [item.line for item in items] == list(range(2, count + 2))
    assert {item.reason for item in items if isinstance(item, Reject)} == {"not valid CSV"}
    assert len(taken) < 10 * count


def test_a_line_longer_than_any_row_is_skipped_without_being_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", 1000)
    path = csv_of(tmp_path, b'good,1\n"' + b"x" * 50_000 + b",y\nnext,2\n" + b"z" * 1000)
    assert places(read(path)) == [(2, "good"), (3, "line too long"), (4, "next"), (5, "line too long")]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = csv_of(tmp_path, "")
    with path.open("a") as file:
        for number in range(30_000):
            file.write(f'question {number},"{"long answer " * 30}"\n')
    tracemalloc.start()
    count = sum(1 for _ in read_rows(str(path), "csv", QA))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 30_000
    assert path.stat().st_size > 10_000_000
    assert peak < 500_000


def test_the_longest_record_is_bounded(tmp_path: Path) -> None:
    wide = ",".join(f'"{"x" * 100_000}"' for _ in range(12))
    items = read(csv_of(tmp_path, f"{wide}\na,b\n"))
    assert places(items) == [(2, "not valid CSV"), (3, "a")]
    assert isinstance(items[0], Reject)
    assert items[0].detail == f"no end of the record within {delimited.MAX_RECORD:,} characters"


# --- JSON Lines ---


def test_jsonl_keys_that_are_missing_are_none_and_values_stay_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"answer": "Nu.", "question": "När?", "n": 3}, {"question": None, "answer": ["x"]}]
    path.write_text("\ufeff" + json.dumps(rows[0]) + "\r\n\n" + json.dumps(rows[1]))
    assert read(path, "jsonl", ("question", "answer", "n")) == [Row(1, ("När?", "Nu.", 3)), Row(3, (None, ["x"], None))]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"question": "a", "answer": "b"', "broken JSON"),
        (b'{"question": NaN}', "broken JSON"),
        (b'{"question": "\\ud800"}', "broken JSON"),
        (b"[" * 100_000, "broken JSON"),
        (b'["a", "b"]', "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b'{"question": "\xe5"}', "not UTF-8"),
        (b'{"question": "' + b"x" * lines.MAX_LINE + b'"}', "line too long"),
    ],
)
def test_a_broken_json_line_is_set_aside_alone(tmp_path: Path, line: bytes, reason: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"question": "good"}\n' + line + b'\n{"question": "next"}\n')
    assert places(read(path, "jsonl")) == [(1, "good"), (2, reason), (3, "next")]


# --- Parquet ---


def test_parquet_reads_any_kind_of_text_column_and_numbers(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    table = pa.table(
        {
            "n": pa.array([10, None, 12], pa.int32()),
            "question": pa.array(["å", None, "中"], pa.large_string()),
            "answer": pa.array(["x", "y", "x"]).dictionary_encode(),
            "unused": pa.array([[1.5], [], None]),
        }
    )
    pq.write_table(table, path)
    expected = [Row(1, ("å", "x", 10)), Row(2, (None, "y", None)), Row(3, ("中", "x", 12))]
    assert read(path, "parquet", ("question", "answer", "n")) == expected


def test_parquet_rows_are_numbered_across_batches_and_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    names = [str(number) for number in range(1, 3502)]
    pq.write_table(pa.table({"question": names, "answer": names}), path, row_group_size=1700)
    assert [(row.line, row.values[0]) for row in read(path, "parquet") if isinstance(row, Row)] == [
        (int(name), name) for name in names
    ]


def test_a_large_parquet_row_group_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    names = [hashlib.sha512(b"%d" % number).hexdigest() for number in range(40_000)]
    table = pa.table({"question": names, "answer": names[::-1]})
    pq.write_table(table, path, row_group_size=40_000, compression="none", use_dictionary=False)
    rows = read(path, "parquet")
    assert [row.values[0] for row in rows if isinstance(row, Row)] == names


def test_a_parquet_cell_that_is_not_utf8_sets_its_row_aside_alone(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    raw = pa.array([b"good", b"b\xe5d", b"next"], pa.binary())
    broken = pa.StringArray.from_buffers(3, raw.buffers()[1], raw.buffers()[2])
    pq.write_table(pa.table({"question": broken, "answer": ["1", "2", "3"]}), path)
    items = read(path, "parquet")
    assert places(items) == [(1, "good"), (2, "not UTF-8"), (3, "next")]
    assert items[1] == Reject(2, "not UTF-8", "byte 0xe5", "b\ufffdd | 2")


def test_a_parquet_file_damaged_in_the_middle_ends_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    names = [f"text {number}" for number in range(4000)]
    table = pa.table({"question": names, "answer": names})
    pq.write_table(table, path, row_group_size=2000, compression="gzip", use_dictionary=False)
    group = pq.ParquetFile(path).metadata.row_group(1).column(0)
    start, size = group.data_page_offset, group.total_compressed_size
    data = bytearray(path.read_bytes())
    data[start + 60 : start + size - 20] = bytes(size - 80)
    path.write_bytes(data)
    items = read(path, "parquet")
    assert places(items[:-1]) == [(number + 1, name) for number, name in enumerate(names[:2000])]
    assert isinstance(items[-1], Reject)
    assert (items[-1].line, items[-1].reason) == (2001, "damaged file")


# --- all ---


def test_a_column_that_is_not_there_is_an_error_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no column 'answer'; it has: question, Answer1"):
        read(csv_of(tmp_path, "a,b\n", header="question,Answer1\n"))


def test_an_excerpt_is_eighty_printable_characters() -> None:
    made = reject(3, "reason", "detail", "\x07a\nå\udce5" + "中" * 200)
    assert made.excerpt == "·a·å·" + "中" * 75
