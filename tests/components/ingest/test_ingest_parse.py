"""From rows to records: what is stripped, what is filled in, what is refused."""

import doctest
from pathlib import Path

import pytest

from components.ingest import parse, rows
from components.ingest.parse import Parser, Record, name_of
from components.ingest.pictures import Pictures
from components.ingest.rows import Reject, Row
from components.ingest.settings import PairColumns, PairData

ALL = PairColumns(question="q", answer="a", id="n", category="c", group="g")


def parsed(*values: object, columns: PairColumns = ALL, limit: int = 20) -> Record | Reject:
    data = PairData(path="x.csv", columns=columns, max_text_length=limit)
    return Parser(data, Pictures(Path("/nowhere"), 9)).parse(Row(7, values))


def test_texts_are_stripped_and_otherwise_kept() -> None:
    record = parsed(" När\n ska  vi? ", "\u3000現在\t", " 12 ", "", "Topic ")
    assert record == Record(7, ("När\n ska  vi?", "現在"), "12", "", "Topic")


def test_whole_numbers_are_text_where_they_name_something() -> None:
    assert parsed("q", "a", 12, -3, 0) == Record(7, ("q", "a"), "12", "-3", "0")


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_a_missing_id_is_a_hash_and_a_missing_group_is_the_answer(nothing: str | None) -> None:
    assert parsed("q", "a", nothing, nothing, nothing) == Record(7, ("q", "a"), name_of("q", "a"), "", "a")
    assert parsed("q", "a", columns=PairColumns()) == Record(7, ("q", "a"), name_of("q", "a"), "", "a")


def test_a_name_is_the_same_everywhere_and_tells_the_two_texts_apart() -> None:
    assert name_of("När?", "Nu.") == "71420e5454f37b4e"  # printf 'När?\0Nu.' | b2sum -l 64
    assert name_of("ab", "c") != name_of("a", "bc")


@pytest.mark.parametrize(
    ("values", "reason", "detail"),
    [
        ((None, "a", 1, 1, 1), "no question", "column q"),
        (("q", None, 1, 1, 1), "no answer", "column a"),
        ((" \t ", "a", 1, 1, 1), "empty question", "column q"),
        (("q", "", 1, 1, 1), "empty answer", "column a"),
        (("q", "x" * 21, 1, 1, 1), "answer too long", "column a: 21 characters, allowed are 20"),
        (("q", "a", 1, "y" * 4097, 1), "category too long", "column c: 4,097 characters, allowed are 4,096"),
        ((5, "a", 1, 1, 1), "question is not text", "column q: a int"),
        (("q", ["a"], 1, 1, 1), "answer is not text", "column a: a list"),
        (("q", "a", 1.5, 1, 1), "id is not text", "column n: a float"),
        (("q", "a", 1, True, 1), "category is not text", "column c: a bool"),
        (("q", "a", 1, 1, {"x": 1}), "group is not text", "column g: a dict"),
        (("q\0", "a", 1, 1, 1), "NUL character in question", "column q"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(values: tuple[object, ...], reason: str, detail: str) -> None:
    made = parsed(*values)
    assert isinstance(made, Reject)
    assert (made.line, made.reason, made.detail) == (7, reason, detail)


def test_the_limit_is_inclusive_and_counts_characters_after_stripping() -> None:
    assert isinstance(parsed("q", " " + "中" * 20 + " ", columns=PairColumns()), Record)
    assert isinstance(parsed("q", "中" * 21, columns=PairColumns()), Reject)


def test_the_excerpt_shows_what_there_is() -> None:
    made = parsed(None, "the answer", 5, None, None)
    assert isinstance(made, Reject)
    assert made.excerpt == "the answer | 5"


def test_examples_in_docstrings() -> None:
    for module in (parse, rows):
        result = doctest.testmod(module)
        assert result.attempted
        assert not result.failed
