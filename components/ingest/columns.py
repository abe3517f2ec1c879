"""Looks up the columns a config names among those a file has."""

from collections.abc import Sequence
from difflib import get_close_matches

from components.ingest.errors import DataError

_SHOWN = 20


def positions(path: str, header: Sequence[str], columns: Sequence[str]) -> tuple[int, ...]:
    """Where each of `columns` is in `header`.

    Raises:
        DataError: a column is not there, or is there twice.
    """
    for column in columns:
        if column not in header:
            raise missing_column(path, header, column)
        if header.count(column) > 1:
            raise DataError(f"{path} has {header.count(column)} columns named {column!r}; rename all but one.")
    return tuple(header.index(column) for column in columns)


def missing_column(path: str, header: Sequence[str], column: str) -> DataError:
    """The error for a column that is not in the file: it names those that are, and the nearest."""
    shown = ", ".join(header[:_SHOWN]) + (f" and {len(header) - _SHOWN} more" if len(header) > _SHOWN else "")
    text = f"{path} has no column {column!r}; it has: {shown}."
    for mark, name in ((";", "semicolons"), ("\t", "tabs"), (",", "commas")):
        if len(header) == 1 and mark in header[0]:
            return DataError(f"{text} Its fields seem to be separated by {name}; CSV needs commas, TSV needs tabs.")
    folded = {name.casefold(): name for name in header}
    nearest = get_close_matches(column.casefold(), folded, n=1)
    if nearest:
        return DataError(f"{text} Did you mean {folded[nearest[0]]!r}?")
    return DataError(f"{text} Name the right one in data.columns.")
