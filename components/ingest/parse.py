"""Makes a record of a row, or says why it cannot be one."""

import hashlib
from typing import NamedTuple

from components.ingest.pictures import Pictures
from components.ingest.rows import Reject, Row, reject
from components.ingest.settings import DataSettings, is_folder
from components.parts import Kind

MAX_LABEL = 200  # characters
MAX_NAME = 4096  # characters of a path, an id, a category or a group, where texts may not be longer still

type Value = str | bytes
"""A text or a label; or a picture's encoded bytes."""


class Record(NamedTuple):
    """One usable row. `values` are its two parts; rows of one `group` stay in one split."""

    line: int
    values: tuple[Value, Value]
    id: str
    category: str
    group: str


class Parser:
    """Makes records of rows whose values stand in the order of `Parser.columns`."""

    def __init__(self, settings: DataSettings, pictures: Pictures) -> None:
        self._parts = settings.parts
        self._roles = tuple(settings.by_role)
        self.columns = tuple(settings.by_role.values())
        self._grouped_by = settings.GROUPED_BY
        self._pictures = pictures
        self._max_length: dict[Kind | None, int] = {"text": settings.max_text_length, "label": MAX_LABEL}
        self._max_name_length = max(settings.max_text_length, MAX_NAME)
        self._as_written = frozenset({"image", "id"} if is_folder(settings.format) else ())  # names of files

    def parse(self, row: Row) -> Record | Reject:
        """Strips white space around what a person wrote, otherwise keeps it; reads pictures from their paths."""
        texts: dict[str, str] = {}
        for role, column, value in zip(self._roles, self.columns, row.values, strict=True):
            kind = self._parts.get(role)
            text = value.strip() if isinstance(value, str) and role not in self._as_written else value
            limit = self._max_length.get(kind, self._max_name_length)
            if isinstance(text, str) and 0 < len(text) <= limit and not _forbidden(text, kind):
                texts[role] = text
            elif fault := _fault(role, kind, text, limit):
                reason, detail = fault
                return reject(row.line, reason, f"column {column}{detail}", _whole(row))
            elif text is not None:
                texts[role] = str(text)
        return self._record(row, texts)

    def _record(self, row: Row, texts: dict[str, str]) -> Record | Reject:
        values: list[Value] = []
        for name, kind in self._parts.items():
            if kind != "image":
                values.append(texts[name])
                continue
            content = self._pictures.read(texts[name])
            if not isinstance(content, bytes):
                reason, detail = content
                return reject(row.line, reason, detail, texts[name])
            values.append(content)
        first, second = values
        named_by = list(self._parts)[self._grouped_by]
        path = texts[named_by] if self._parts[named_by] == "image" else None
        name = texts.get("id") or path or name_of(first, second)
        group = texts.get("group") or group_of(values[self._grouped_by])
        return Record(row.line, (first, second), name, texts.get("category", ""), group)


def _fault(role: str, kind: Kind | None, text: object, limit: int) -> tuple[str, str] | None:
    """Why `text` cannot play `role`, as (reason, detail); None when it is a number or nothing and may be."""
    required = kind is not None
    if text is None:
        return (f"no {role}", "") if required else None
    if isinstance(text, str):
        if len(text) > limit:
            return f"{role} too long", f": {len(text):,} characters, allowed are {limit:,}"
        if character := _forbidden(text, kind):
            return f"{character} in {role}", ""
        return (f"empty {role}", "") if required else None
    if isinstance(text, int) and not isinstance(text, bool) and kind in (None, "label"):
        return None
    return f"{role} is not text", f": a {type(text).__name__}"


def _forbidden(text: str, kind: Kind | None) -> str | None:
    """The name of a character in `text` that may not be there; a vocabulary has a label a line."""
    if "\0" in text:
        return "NUL character"
    return "line end" if kind == "label" and ("\n" in text or "\r" in text) else None


def _whole(row: Row) -> str:
    return " | ".join(str(value) for value in row.values if value is not None)


def name_of(first: Value, second: Value) -> str:
    """A short name for a row that has none: 16 hexadecimal digits, the same for the same two values.

    >>> name_of("When?", "Now.")
    'd4fd68289ae189d8'
    """
    return hashlib.blake2b(_bytes(first) + b"\0" + _bytes(second), digest_size=8).hexdigest()


def group_of(value: Value) -> str:
    """The group of a row that names none: the text itself, or a fingerprint of the picture."""
    return value if isinstance(value, str) else hashlib.blake2b(value, digest_size=16).hexdigest()


def _bytes(value: Value) -> bytes:
    return value.encode() if isinstance(value, str) else value
