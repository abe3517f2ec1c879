"""Streams the rows of one table, whatever its format and size."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from components.ingest.settings import TableFormat

MAX_EXCERPT = 80  # characters
DAMAGED = "damaged file"  # the reason when everything behind a row is lost, too


class Row(NamedTuple):
    """One row as the file has it: `values` in the order of the columns asked for, None where there is none."""

    line: int
    values: tuple[object, ...]


class Reject(NamedTuple):
    """One row that cannot be used.

    `line` is the row's first line in the file, from 1; in a Parquet file its number among the rows, from 1. `reason`
    is one of a few fixed phrases, so that rejects can be counted by it; `detail` is about this row alone; `excerpt` is
    how it begins.
    """

    line: int
    reason: str
    detail: str
    excerpt: str


def reject(line: int, reason: str, detail: str, text: str) -> Reject:
    """Makes a Reject whose excerpt is the printable beginning of `text`.

    >>> reject(7, "not UTF-8", "byte 0xff at position 3", "ab\\nc" * 40).excerpt[:9]
    'ab·cab·ca'
    """
    return Reject(line, reason, detail, "".join(c if c.isprintable() else "·" for c in text.strip()[:MAX_EXCERPT]))


def read_rows(path: str, format_: TableFormat, columns: Sequence[str]) -> Iterator[Row | Reject]:
    """Yields every row of the file in its order, as a Row or a Reject; holds a few rows at a time.

    Blank lines are no rows. Values are passed on as the file has them; those of CSV and TSV are always text.

    Raises:
        DataError: a CSV, TSV or Parquet file lacks one of `columns`.
    """
    match format_:
        case "csv" | "tsv":
            from components.ingest.delimited import read_delimited

            return read_delimited(path, format_, columns)
        case "jsonl":
            from components.ingest.jsonl import read_jsonl

            return read_jsonl(path, columns)
        case "parquet":
            from components.ingest.parquet import read_parquet

            return read_parquet(path, columns)
