"""Whatever the texts and files: each row becomes the record that was written, a repeat, or a reject that says why."""

import csv
import json
import os
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.ingest.parse import Record
from components.ingest.rows import Reject
from components.ingest.settings import LabelData, PairData, TableFormat
from components.ingest.units import Unit, read_records
from tests.components.ingest.drawn import picture, write
from tests.components.ingest.running import ingest_by_hand

LIMIT = 40
ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
NASTY = st.text(st.sampled_from('",\n\r\t \0\ufeffåa中😀\\'), max_size=60)
PAIRS = st.lists(st.tuples(ANY_TEXT | NASTY, ANY_TEXT | NASTY), max_size=8)


def write_table(path: Path, format_: TableFormat, pairs: list[tuple[str, str]]) -> None:
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
        write_table(path, format_, pairs)
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


PICTURES = st.builds(
    lambda number, cut, tail: picture(number)[cut:] + tail,
    st.integers(0, 5),
    st.sampled_from([0, 0, 0, 0, 1, 30]),
    st.sampled_from([b"", b"", b"", b"more"]),
)
NAMES = st.binary(min_size=1, max_size=12).filter(lambda name: not {*b"\0/"} & {*name} and not name.startswith(b"."))
FILES = st.dictionaries(
    st.tuples(st.sampled_from([b"ko", b"k\xc3\xa5", b"k\xe5", b" "]) | NAMES, NAMES),
    PICTURES | st.binary(max_size=200) | NASTY.map(str.encode),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("format_", ["images", "texts"])
@settings(max_examples=40, deadline=None)
@given(files=FILES)
def test_every_file_of_a_folder_of_classes_is_kept_or_repeated_or_set_aside(
    format_: str, files: dict[tuple[bytes, bytes], bytes]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "data")
        for (label, file), content in files.items():
            write(folder / os.fsdecode(label) / os.fsdecode(file), content)
        data = LabelData.model_validate({"path": str(folder), "format": format_, "max_text_length": LIMIT})
        tally, examples = ingest_by_hand(data, Path(name, "out"))
        rows = [row for split in examples.values() for row in split]
        assert tally.rows == len(files)
        assert tally.rows == len(rows) + tally.duplicates + tally.rejected.total()
        assert tally.kept.total() == len(rows)
        first = next(iter(data.parts))
        assert tally.distinct[first] == len({row[first] for row in rows})
        assert len({(row[first], row["label"]) for row in rows}) == len(rows)
        for row in rows:
            content = (folder / row["id"].decode()).read_bytes()
            assert row[first] == (content if format_ == "images" else content.decode("utf-8-sig").strip().encode())
            assert row["label"].decode() == row["id"].decode().partition("/")[0].strip()
        homes = {(row["group"], split) for split, found in examples.items() for row in found}
        assert len(homes) == len({group for group, _ in homes})
