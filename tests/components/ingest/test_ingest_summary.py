"""What is told of a run, and when it stops."""

import csv
from collections import Counter

import pytest

from components.ingest.errors import DataError
from components.ingest.rows import Reject
from components.ingest.settings import PairData
from components.ingest.summary import Summary, list_of_rejects, require_usable
from components.ingest.tally import Tally
from components.ingest.units import units_of

UNITS = units_of(("/data/a.csv", "/data/b.csv"), "csv")


def tally(rejects: int = 0, *, train: int = 90, test: int = 7, answers: int = 30) -> Tally:
    made = Tally(
        rows=100 + rejects,
        kept=Counter(train=train, validation=3, test=test),
        distinct=Counter(question=80, answer=answers, group=25),
    )
    for file in (1, 0):
        part = Tally()
        for line in range(file, rejects, 2):
            part.set_aside(file, Reject(line, ("no answer", "not UTF-8", "empty answer")[line % 3], "d", "e,\n"))
        made.add(part)
    return made


def summary(made: Tally) -> Summary:
    return Summary.of(made, UNITS, PairData(path="x.csv"))


def refusal(made: Tally, **settings: object) -> str:
    data = PairData.model_validate({"path": "x.csv", **settings})
    with pytest.raises(DataError) as caught:
        require_usable(Summary.of(made, UNITS, data), data, "/out/rejected.csv")
    return str(caught.value)


def test_a_summary_names_what_was_counted_and_survives_its_file() -> None:
    made = summary(tally(5))
    assert made.bad == 5
    assert made.rejected["no answer"].model_dump() == {"rows": 2, "first": "/data/a.csv:0"}
    assert list(made.rejected) == ["no answer", "not UTF-8", "empty answer"]
    assert made.rejected["empty answer"].first == "/data/a.csv:2"
    assert list(made.kept.items()) == [("train", 90), ("validation", 3), ("test", 7)]
    assert Summary.model_validate_json(made.model_dump_json()) == made


def test_the_list_is_sorted_and_says_what_it_leaves_out() -> None:
    made = tally(5)
    made.rejected["no answer"] += 1234
    header, *rows = csv.reader(list_of_rejects(made, UNITS).splitlines(keepends=True))
    assert header == ["file", "line", "reason", "detail", "excerpt"]
    assert [(row[0], row[1]) for row in rows[:-1]] == [
        ("/data/a.csv", "0"),
        ("/data/a.csv", "2"),
        ("/data/a.csv", "4"),
        ("/data/b.csv", "1"),
        ("/data/b.csv", "3"),
    ]
    assert rows[0][2:] == ["no answer", "d", "e,\n"]
    assert rows[-1][2] == "and 1234 more rows"


def test_the_fraction_that_is_allowed_is_inclusive() -> None:
    usable = summary(tally(25))  # of 125
    require_usable(usable, PairData(path="x.csv", max_bad_fraction=0.2), "")
    assert refusal(tally(25), max_bad_fraction=0.1999) == (
        "25 of 125 rows (20.0%) are bad, more than data.max_bad_fraction = 0.1999 allows:"
        " no answer (9, first /data/a.csv:0), empty answer (8, first /data/a.csv:2),"
        " not UTF-8 (8, first /data/a.csv:4); the list is in /out/rejected.csv."
    )


def test_more_than_three_reasons_are_counted_not_named() -> None:
    made = tally(9)
    for reason in ("x", "y"):
        made.set_aside(1, Reject(99, reason, "", ""))
    assert "not UTF-8 (3, first /data/a.csv:4) and 2 other reasons; the list" in refusal(made)


def test_nothing_left() -> None:
    made = tally(3, train=0, test=0)
    made.kept.clear()
    assert refusal(made, max_bad_fraction=1).startswith(
        "None of 103 rows is left: empty answer (1, first /data/a.csv:2)"
    )


def test_one_answer_for_everything() -> None:
    assert (
        refusal(tally(answers=1)) == "All 100 rows left have the same answer; there must be 2 or more different ones."
    )


def test_one_question_for_everything() -> None:
    made = tally()
    made.distinct["question"] = 1
    assert refusal(made) == "All 100 rows left have the same question; there must be 2 or more different ones."


def test_a_split_without_rows() -> None:
    assert refusal(tally(test=0), splits={"train": 5, "validation": 2}) == (
        "No row fell into the split test: 93 rows make 25 groups (by data.columns.group, else by answer), dealt out"
        " 5:2:1; add rows of other groups, or give that split more in data.splits."
    )


def test_a_damaged_file_stops_the_run_whatever_is_allowed() -> None:
    made = tally()
    made.set_aside(1, Reject(2001, "damaged file", "", ""))
    assert refusal(made, max_bad_fraction=1) == (
        "A file is damaged: nothing can be read from /data/b.csv:2001 on; write it anew."
    )
