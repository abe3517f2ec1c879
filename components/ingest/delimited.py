"""Rows of CSV and TSV files: a header, then one record per row, quoted as spreadsheets do it."""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from components.ingest.columns import positions
from components.ingest.errors import DataError
from components.ingest.lines import Line, read_lines
from components.ingest.rows import Reject, Row, reject

MAX_RECORD = 1 << 20  # characters
_DELIMITERS = {"csv": ",", "tsv": "\t"}
_PLAIN = {
    "unexpected end of data": "a quote is never closed",
    "field larger than field limit (131072)": "a quote is not closed within 131,072 characters",
    "new-line character seen in unquoted field - do you need to open the file with newline=''?": (
        "a carriage return without a line feed"
    ),
}


class _Record(NamedTuple):
    line: int
    fields: list[str]
    text: str


def read_delimited(path: str, format_: Literal["csv", "tsv"], columns: Sequence[str]) -> Iterator[Row | Reject]:
    """Yields the rows below the header. See `rows.read_rows`."""
    records = _records(path, format_)
    header = _header(path, records)
    wanted = positions(path, header, columns)
    for record in records:
        if isinstance(record, Reject):
            yield record
        elif len(record.fields) != len(header):
            detail = f"{len(record.fields)} where the header has {len(header)}"
            yield reject(record.line, "wrong number of fields", detail, record.text)
        else:
            yield Row(record.line, tuple(record.fields[index] for index in wanted))


def _header(path: str, records: Iterator[_Record | Reject]) -> list[str]:
    first = next(records, None)
    if first is None:
        raise DataError(f"{path} is empty.")
    if isinstance(first, Reject):
        raise DataError(f"The header of {path} (line {first.line}) cannot be read: {first.reason}, {first.detail}.")
    return [name.strip() for name in first.fields]


def _records(path: str, format_: Literal["csv", "tsv"]) -> Iterator[_Record | Reject]:
    """Splits a file into records, the header being the first.

    A quote that is never closed makes csv.reader swallow line after line until it meets a contradiction, a limit or
    the end of the file. Then the first line alone is set aside, and reading goes on with the second.
    """
    lines = _Lines(read_lines(path))
    reader = csv.reader(lines, delimiter=_DELIMITERS[format_], strict=True)
    while True:
        lines.start_record()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            for line in lines.give_up():
                reason, detail = line.fault or (f"not valid {format_.upper()}", _PLAIN.get(str(error), str(error)))
                yield reject(line.number, reason, detail, line.text)
            continue
        first = lines.taken[0]
        fault = next((line.fault for line in lines.taken if line.fault), None)
        if fault:
            yield reject(first.number, *fault, first.text)
        elif fields:
            yield _Record(first.number, fields, first.text)


class _Lines:
    """What csv.reader reads from: lines that can be given back when the record they seemed to make is none."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._again: deque[Line] = deque()
        self._read = 0
        self._given_back = 0
        self._size = 0
        self.taken: list[Line] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self._again:
            line = self._again.popleft()
        else:
            line = next(self._lines)
            self._read += 1
        self.taken.append(line)
        self._size += len(line.text)
        if self._size > MAX_RECORD:
            raise csv.Error(f"no end of the record within {MAX_RECORD:,} characters")
        return line.text

    def start_record(self) -> None:
        """Forgets the record before."""
        self._size = 0
        self.taken.clear()

    def give_up(self) -> list[Line]:
        """Returns the lines that are lost: the first of the record; the others are given back.

        A file in which almost every line swallows thousands would be read thousands of times, so there all are lost.
        """
        lost, back = self.taken[:1], self.taken[1:]
        if self._given_back + len(back) > 100_000 + 5 * self._read:
            return self.taken
        self._again.extendleft(reversed(back))
        self._given_back += len(back)
        return lost
