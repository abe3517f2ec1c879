"""Whatever the texts: written by a standard writer and read back they are the same records, or rejects that say why."""

import csv
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.ingest.parse import Record
from components.ingest.rows import Reject
from components.ingest.settings import PairData, TableFormat
from components.ingest.units import Unit, read_records

LIMIT = 40
ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
NASTY = st.text(st.sampled_from('",\n\r\t \0\ufeffåa中😀\\'), max_size=60)
PAIRS = st.lists(st.tuples(ANY_TEXT | NASTY, ANY_TEXT | NASTY), max_size=8)


def write(path: Path, format_: TableFormat, pairs: list[tuple[str, str]]) -> None:
    match format_:
        case "csv" | "tsv":
            with path.open("w", newline="", encoding="utf-8") as file:
                table = csv.writer(file, dialect="excel" if format_ == "csv" else "excel-tab", quoting=csv.QUOTE_ALL)
                table.writerows([("question", "answer"), *pairs])
        case "jsonl":
            objects = [{"question": question, "answer": answer} for question, answer in pairs]
            path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in objects), "utf-8")
        case "parquet":
            questions, answers = zip(*pairs, strict=True) if pairs else ((), ())
            columns = {"question": pa.array(questions, pa.string()), "answer": pa.array(answers, pa.string())}
            pq.write_table(pa.table(columns), path)


def expected(pair: tuple[str, str]) -> str | None:
    """The reason for which a pair is set aside, written down anew."""
    for role, text in zip(("question", "answer"), (text.strip() for text in pair), strict=True):
        if not text:
            return f"empty {role}"
        if len(text) > LIMIT:
            return f"{role} too long"
        if "\0" in text:
            return f"NUL character in {role}"
    return None


@pytest.mark.parametrize("format_", ["csv", "tsv", "jsonl", "parquet"])
@settings(max_examples=150, deadline=None)
@given(pairs=PAIRS)
def test_round_trip(format_: TableFormat, pairs: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"rows.{format_}")
        write(path, format_, pairs)
        data = PairData(path=str(path), max_text_length=LIMIT)
        items = list(read_records(Unit((str(path),), format_), data))
    assert len(items) == len(pairs)
    for item, pair in zip(items, pairs, strict=True):
        if isinstance(item, Reject):
            assert item.reason == expected(pair)
        else:
            assert expected(pair) is None
            assert item.values == tuple(text.strip() for text in pair)
            assert item.group == item.values[1]


@pytest.mark.parametrize("format_", ["csv", "tsv", "jsonl"])
@settings(max_examples=300, deadline=None)
@given(garbage=st.binary(max_size=300) | NASTY.map(str.encode))
def test_garbage_never_raises_and_never_hides_what_follows(format_: TableFormat, garbage: bytes) -> None:
    good = {
        "csv": b"asked,answered",
        "tsv": b"asked\tanswered",
        "jsonl": b'{"question": "asked", "answer": "answered"}',
    }
    header = {"csv": b"question,answer\n", "tsv": b"question\tanswer\n", "jsonl": b""}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows")
        path.write_bytes(header[format_] + garbage + b"\n" + (good[format_] + b"\n") * 10)
        items = list(read_records(Unit((str(path),), format_), PairData(path=str(path))))
    found = [item for item in items if isinstance(item, Record) and item.values == ("asked", "answered")]
    assert len(found) == 10
    numbers = [item.line for item in items]
    assert numbers == sorted(set(numbers))
