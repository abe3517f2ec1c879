"""The executor, really run by Beam on small files."""

import csv
import json
import logging
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tfx.types import standard_artifacts

from components.ingest.settings import PairData
from components.ingest.summary import REJECTS_FILE, Summary
from tests.components.ingest.running import SPLITS, ingest, refused

type Texts = dict[str, str]


class Pairs(NamedTuple):
    """What was ingested, as texts."""

    artifact: standard_artifacts.Examples
    examples: dict[str, list[Texts]]
    summary: Summary
    rejects: list[dict[str, str]]

    @property
    def rows(self) -> list[Texts]:
        return [row for split in SPLITS for row in self.examples[split]]


def pairs(path: Path | str, **settings: object) -> PairData:
    return PairData.model_validate({"path": str(path), **settings})


def run(path: Path | str, out: Path, rejects_path: Path | None = None, **settings: object) -> Pairs:
    done = ingest(pairs(path, **settings), out, rejects_path)
    texts = {
        split: [{name: value.decode() for name, value in row.items()} for row in rows]
        for split, rows in done.examples.items()
    }
    return Pairs(done.artifact, texts, done.summary, done.rejects)


def write_csv(path: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = ("question", "answer")) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def many(count: int, answers: int = 60) -> list[tuple[str, str]]:
    return [(f"Fråga {number}?", f"答 {number % answers}") for number in range(count)]


def test_the_example_file(tmp_path: Path) -> None:
    columns = {"question": "q", "answer": "a", "id": "id", "category": "category"}
    done = run("package:zaragoza_construction_faq/data/faq-en.csv", tmp_path / "out", columns=columns)
    assert done.summary.rows == 503
    assert done.summary.distinct == {"question": 497, "answer": 503, "group": 503}
    assert (done.summary.duplicates, done.summary.rejected, done.rejects) == (0, {}, [])
    assert {split: len(rows) for split, rows in done.examples.items()} == done.summary.kept
    assert sum(done.summary.kept.values()) == 503
    assert 360 < done.summary.kept["train"] < 440
    first = next(row for row in done.rows if row["id"] == "bygglov-001")
    assert first["category"] == "bygglov"
    assert first["question"] == "What is a bygglov (building permit)?"
    assert first["group"] == first["answer"]
    assert json.loads(done.artifact.split_names) == list(SPLITS)
    assert done.artifact.get_string_custom_property("payload_format") == "FORMAT_TF_EXAMPLE"
    assert done.artifact.get_string_custom_property("file_format") == "tfrecords_gzip"


@pytest.mark.parametrize("format_", ["csv", "tsv", "jsonl", "parquet"])
def test_every_format_gives_the_same_examples_in_the_order_of_the_file(tmp_path: Path, format_: str) -> None:
    rows = [*many(80), ('quoted "word"\nand line', "tab\tand, comma"), ("👩🏽‍🚒 我？", "Åäö")]
    path = tmp_path / f"rows.{format_}"
    match format_:
        case "csv":
            write_csv(path, rows)
        case "tsv":
            with path.open("w", newline="") as file:
                csv.writer(file, dialect="excel-tab").writerows([("question", "answer"), *rows])
        case "jsonl":
            path.write_text("".join(json.dumps({"question": q, "answer": a}) + "\n" for q, a in rows))
        case "parquet":
            pq.write_table(pa.table({"answer": [a for _, a in rows], "question": [q for q, _ in rows]}), path)
    done = run(path, tmp_path / "out")
    order = {row: number for number, row in enumerate(rows)}
    for split in SPLITS:
        numbers = [order[row["question"], row["answer"]] for row in done.examples[split]]
        assert numbers == sorted(numbers)
    assert Counter((row["question"], row["answer"]) for row in done.rows) == Counter(rows)


def test_rows_of_one_answer_stay_in_one_split_and_rows_of_one_group_do(tmp_path: Path) -> None:
    done = run(write_csv(tmp_path / "a.csv", many(300)), tmp_path / "by_answer")
    homes = defaultdict(set)
    for split, rows in done.examples.items():
        for row in rows:
            homes[row["answer"]].add(split)
    assert len(homes) == 60
    assert all(len(splits) == 1 for splits in homes.values())

    topics = [(question, f"{answer} {number}", str(number % 40)) for number, (question, answer) in enumerate(many(300))]
    path = write_csv(tmp_path / "b.csv", topics, ("question", "answer", "topic"))
    done = run(path, tmp_path / "by_topic", columns={"group": "topic"})
    homes = defaultdict(set)
    for split, kept in done.examples.items():
        for row in kept:
            homes[row["group"]].add(split)
    assert len(homes) == done.summary.distinct["group"] == 40
    assert all(len(splits) == 1 for splits in homes.values())


def test_repeated_rows_are_dropped_the_first_is_kept_and_none_counts_as_bad(tmp_path: Path) -> None:
    rows = [(q, a, f"first {number}") for number, (q, a) in enumerate(many(100))]
    again = [(f" {q}", a, "again") for q, a, _ in rows[::3]]
    other = [("Fråga 0?", "another answer", "same question")]
    (tmp_path / "data").mkdir()
    write_csv(tmp_path / "data/1.csv", [*rows, *again[:10]], ("question", "answer", "n"))
    write_csv(tmp_path / "data/2.csv", [*again[10:], *other], ("question", "answer", "n"))
    done = run(tmp_path / "data", tmp_path / "out", columns={"id": "n"}, max_bad_fraction=0)
    assert done.summary.files == [str(tmp_path / "data/1.csv"), str(tmp_path / "data/2.csv")]
    assert (done.summary.rows, done.summary.duplicates, done.summary.bad) == (135, 34, 0)
    assert {row["id"] for row in done.rows} == {name for *_, name in rows} | {"same question"}
    assert done.summary.distinct == {"question": 100, "answer": 61, "group": 61}


def test_many_files_are_written_to_few_shards_and_repeats_are_found_across_them(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = many(200)
    for number in range(40):
        write_csv(tmp_path / f"data/{number:02}.csv", [*rows[number * 5 : number * 5 + 5], rows[0]])
    done = run(tmp_path / "data", tmp_path / "out")
    assert done.summary.duplicates == 40
    assert Counter((row["question"], row["answer"]) for row in done.rows) == Counter(rows)
    assert len(list((tmp_path / "out/Split-train").iterdir())) == 32


def test_a_table_may_have_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = many(100)
    write_csv(tmp_path / "data" / os.fsdecode(b"b\xe5d.csv"), [*rows[:50], ("no answer", "")])
    write_csv(tmp_path / "data/good.csv", rows[50:])
    done = run(tmp_path / "data", tmp_path / "out")
    assert Counter((row["question"], row["answer"]) for row in done.rows) == Counter(rows)
    assert done.summary.files == [f"{tmp_path}/data/b\\udce5d.csv", f"{tmp_path}/data/good.csv"]
    assert [(row["file"], row["line"]) for row in done.rejects] == [(f"{tmp_path}/data/b\\udce5d.csv", "52")]


def test_bad_rows_are_set_aside_with_file_line_and_reason(tmp_path: Path) -> None:
    good = write_csv(tmp_path / "good.csv", many(200)).read_bytes()
    (tmp_path / "data").mkdir()
    bad = b'x,\n"y\ny",b,c\nb\xe5d,z\n"open,w\n' + f"long,{'å' * 301}\n".encode()
    (tmp_path / "data/1.csv").write_bytes(b"question,answer\n,first\n")
    (tmp_path / "data/2.csv").write_bytes(good + bad)
    elsewhere = tmp_path / "deep/er/rejected.csv"
    done = run(tmp_path / "data", tmp_path / "out", elsewhere, max_bad_fraction=0.03, max_text_length=300)
    first, second = str(tmp_path / "data/1.csv"), str(tmp_path / "data/2.csv")
    assert [(row["file"], row["line"], row["reason"]) for row in done.rejects] == [
        (first, "2", "empty question"),
        (second, "202", "empty answer"),
        (second, "203", "wrong number of fields"),
        (second, "205", "not UTF-8"),
        (second, "206", "not valid CSV"),
        (second, "207", "answer too long"),
    ]
    assert [row["excerpt"] for row in done.rejects][:4] == ["| first", "x |", '"y', "b·d,z"]
    assert elsewhere.read_text() == (tmp_path / "out" / REJECTS_FILE).read_text()
    assert {reason: (bad.rows, bad.first) for reason, bad in done.summary.rejected.items()}["not UTF-8"] == (
        1,
        f"{second}:205",
    )
    assert done.summary.rows == 206 == done.summary.bad + done.summary.duplicates + sum(done.summary.kept.values())


def test_too_many_bad_rows_stop_the_run_and_the_list_is_where_the_message_says(tmp_path: Path) -> None:
    path, rejects = write_csv(tmp_path / "rows.csv", [*many(95), *[("no answer", "")] * 5]), tmp_path / "rejected.csv"
    assert refused(pairs(path, max_bad_fraction=0.04), tmp_path / "out", rejects) == (
        "5 of 100 rows (5.0%) are bad, more than data.max_bad_fraction = 0.04 allows:"
        f" empty answer (5, first {path}:97); the list is in {rejects}."
    )
    assert len(rejects.read_text().splitlines()) == 6


def test_a_damaged_file_stops_the_run_whatever_fraction_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    names = [f"text {number}" for number in range(4000)]
    table = pa.table({"question": names, "answer": names})
    pq.write_table(table, path, row_group_size=2000, compression="gzip", use_dictionary=False)
    group = pq.ParquetFile(path).metadata.row_group(1).column(1)
    data = bytearray(path.read_bytes())
    data[group.data_page_offset + 60 : group.data_page_offset + group.total_compressed_size - 20] = b""
    middle = bytes(group.total_compressed_size - 80)
    data[group.data_page_offset + 60 : group.data_page_offset + 60] = middle
    path.write_bytes(data)
    text = refused(pairs(path, max_bad_fraction=1), tmp_path / "out")
    assert text == f"A file is damaged: nothing can be read from {path}:2001 on; write it anew."


def test_a_file_that_changed_since_the_check_is_refused_before_beam_starts(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "rows.csv", many(10), ("question", "reply"))
    assert "has no column 'answer'" in refused(pairs(path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture(autouse=True)
def quiet() -> None:
    logging.getLogger("absl").setLevel(logging.ERROR)
