"""Makes a record of a row, or says why it cannot be one."""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from components.ingest.rows import Reject, Row, read_rows, reject
from components.ingest.settings import Columns, DataSettings, Format


class Record(NamedTuple):
    """One usable row. `query` and `candidate` are the pair that is learnt; rows of one `group` stay in one split."""

    line: int
    query: str
    candidate: str
    id: str
    category: str
    group: str


class Parser:
    """Makes records of rows whose values stand in the order of `Parser.columns`."""

    def __init__(self, columns: Columns, max_text_length: int) -> None:
        self._roles = tuple(columns.by_role)
        self.columns = tuple(columns.by_role.values())
        self._pair = columns.PAIR
        self._max_text_length = max_text_length

    def parse(self, row: Row) -> Record | Reject:
        """Strips white space around each text and otherwise keeps it as written."""
        texts = dict.fromkeys(("id", "category", "group"), "")
        for role, column, value in zip(self._roles, self.columns, row.values, strict=True):
            text = value.strip() if isinstance(value, str) else value
            if isinstance(text, str) and 0 < len(text) <= self._max_text_length and "\0" not in text:
                texts[role] = text
            elif fault := self._fault(role, text):
                reason, detail = fault
                whole = " | ".join(str(value) for value in row.values if value is not None)
                return reject(row.line, reason, f"column {column}{detail}", whole)
            elif text is not None:
                texts[role] = str(text)
        query, candidate = (texts[role] for role in self._pair)
        name = texts["id"] or name_of(query, candidate)
        return Record(row.line, query, candidate, name, texts["category"], texts["group"] or candidate)

    def _fault(self, role: str, text: object) -> tuple[str, str] | None:
        """Why `text` cannot play `role`, as (reason, detail); None when it is a number or nothing and may be."""
        required = role in self._pair
        if text is None:
            return (f"no {role}", "") if required else None
        if isinstance(text, str):
            if len(text) > self._max_text_length:
                return f"{role} too long", f": {len(text):,} characters, allowed are {self._max_text_length:,}"
            if "\0" in text:
                return f"NUL character in {role}", ""
            return (f"empty {role}", "") if required else None
        if isinstance(text, int) and not isinstance(text, bool) and not required:
            return None
        return f"{role} is not text", f": a {type(text).__name__}"


def read_records(path: str, format_: Format, settings: DataSettings) -> Iterator[Record | Reject]:
    """Yields a Record or a Reject for every row of the file, in its order. See `rows.read_rows`."""
    parser = Parser(settings.columns, settings.max_text_length)
    for row in read_rows(path, format_, parser.columns):
        yield row if isinstance(row, Reject) else parser.parse(row)


def name_of(query: str, candidate: str) -> str:
    """A short name for a row that has none: 16 hexadecimal digits, the same for the same two texts.

    >>> name_of("When?", "Now.")
    'd4fd68289ae189d8'
    """
    return hashlib.blake2b(f"{query}\0{candidate}".encode(), digest_size=8).hexdigest()
