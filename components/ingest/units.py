"""What one worker reads in one go: a table, or some hundred files of a folder of classes."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from components.ingest.folders import read_folder
from components.ingest.parse import Parser, Record
from components.ingest.pictures import Pictures
from components.ingest.rows import Reject, Row, read_rows
from components.ingest.settings import DataSettings, Format, is_folder

_FILES = 256


class Unit(NamedTuple):
    """One table, or many files that are a row each."""

    files: tuple[str, ...]
    format: Format

    def place(self, line: int) -> tuple[str, int | None]:
        """File and line of a row; a file that is a row by itself has no line."""
        return (shown(self.files[line - 1]), None) if is_folder(self.format) else (shown(self.files[0]), line)


def shown(name: str) -> str:
    """A file's name as it can be printed on one line: with escapes for line ends and for bytes that are not UTF-8.

    >>> shown("låt\\n.png"), shown("l\\udce5t.png")
    ('låt\\\\n.png', 'l\\\\udce5t.png')
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def units_of(files: Sequence[str], format_: Format) -> tuple[Unit, ...]:
    """All files, in their order."""
    size = _FILES if is_folder(format_) else 1
    return tuple(Unit(tuple(files[start : start + size]), format_) for start in range(0, len(files), size))


def read_records(unit: Unit, settings: DataSettings, *, check: bool = True) -> Iterator[Record | Reject]:
    """Yields a Record or a Reject for every row of a unit, in its order.

    Args:
        unit: what to read.
        settings: how.
        check: whether to decode the pictures; without, those that do not decode come as records.
    """
    folder = _folder(unit, settings)
    parser = Parser(settings, Pictures(folder, settings.max_pixels, check=check))
    for row in _rows(unit, settings, folder, parser.columns):
        yield row if isinstance(row, Reject) else parser.parse(row)


def fingerprint(units: Sequence[Unit], settings: DataSettings) -> str:
    """A digest of the name, size and time of change of every file, and of every picture that a table names."""
    digest = hashlib.blake2b(digest_size=16)
    for unit in units:
        folder = _folder(unit, settings)
        for name in (*unit.files, *_named_pictures(unit, settings, folder)):
            digest.update(f"{name}\0{_state(folder / name)}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _named_pictures(unit: Unit, settings: DataSettings, folder: Path) -> Iterator[str]:
    columns = [column for role, column in settings.by_role.items() if settings.parts.get(role) == "image"]
    if is_folder(unit.format) or not columns:
        return
    for row in _rows(unit, settings, folder, columns):
        yield from () if isinstance(row, Reject) else (str(value).strip() for value in row.values)


def _state(file: Path) -> str:
    try:
        state = file.stat()
    except (OSError, ValueError):
        return "none"
    return f"{state.st_size} {state.st_mtime_ns}"


def _folder(unit: Unit, settings: DataSettings) -> Path:
    """What paths of pictures are relative to."""
    file = Path(unit.files[0])
    if is_folder(unit.format):
        return file.parent.parent
    return Path(settings.image_folder) if settings.image_folder else file.parent


def _rows(unit: Unit, settings: DataSettings, folder: Path, columns: Sequence[str]) -> Iterator[Row | Reject]:
    if is_folder(unit.format):
        return read_folder(unit.files, folder, columns, settings.max_text_length)
    return read_rows(unit.files[0], unit.format, columns)
