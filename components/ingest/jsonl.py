"""Rows of JSON Lines files: one object a line."""

from collections.abc import Iterator, Sequence

import orjson

from components.ingest.lines import read_lines
from components.ingest.rows import Reject, Row, reject


def read_jsonl(path: str, columns: Sequence[str]) -> Iterator[Row | Reject]:
    """Yields one row a line; a key that an object lacks is None. See `rows.read_rows`."""
    for item in read_objects(path):
        if isinstance(item, Reject):
            yield item
        else:
            line, found = item
            yield Row(line, tuple(found.get(column) for column in columns))


def read_objects(path: str) -> Iterator[tuple[int, dict[str, object]] | Reject]:
    """Yields (line number, object) for each line that is not blank, or why there is none."""
    for number, text, fault in read_lines(path):
        if fault is not None:
            yield reject(number, *fault, text)
            continue
        if not text.strip():
            continue
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            yield reject(number, "broken JSON", str(error), text)
            continue
        if isinstance(found, dict):
            yield number, found
        else:
            yield reject(number, "not a JSON object", f"a {type(found).__name__} instead", text)
