"""Everything about the data that can be known to be wrong before a pipeline starts."""

import codecs
from collections.abc import Iterable, Sequence
from itertools import combinations, islice
from pathlib import Path

from components.ingest.columns import missing_column
from components.ingest.errors import DataError
from components.ingest.rows import Reject, read_rows
from components.ingest.settings import DataSettings, TableFormat, is_folder
from components.ingest.source import Source, locate
from components.ingest.units import Unit, units_of

_HEAD = 1 << 16  # bytes looked at for signs of another format
_SAMPLE = 1000  # rows looked at for their keys
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))
_MAX_CONTROLS = 0.05  # of all bytes: text has next to none, compressed data a tenth, UTF-16 half
_SIGNATURES = {
    b"PAR1": "a Parquet file; set data.format to parquet",
    b"PK\x03\x04": "a zip file or an Excel workbook; export it as CSV in UTF-8",
    b"\x1f\x8b": "compressed with gzip; unpack it first",
    codecs.BOM_UTF16_LE: "written in UTF-16; save it as UTF-8",
    codecs.BOM_UTF16_BE: "written in UTF-16; save it as UTF-8",
}


def check_source(settings: DataSettings) -> Source:
    """Looks at the beginning of every file; costs milliseconds. Relative paths are relative to the current directory.

    Raises:
        DataError: one sentence about what is wrong and what to do.
    """
    check_columns(settings)
    source = locate(settings)
    files = source.files
    if not files:
        raise DataError(_nothing(settings, source))
    check_units(units_of(files, source.format), settings)
    return source


def _nothing(settings: DataSettings, source: Source) -> str:
    if is_folder(settings.format) and not Path(settings.path).exists():
        return f"There is no folder {settings.path} (data.path)."
    if not Path(settings.path).is_dir():
        return f"There is no file {settings.path} (data.path; looked for {source.base}/{source.pattern})."
    if is_folder(settings.format):
        return f"The folder {settings.path} (data.path) holds no file in a folder of its class (LABEL/FILE)."
    return f"The folder {settings.path} (data.path) holds no file that ends in .{source.format}."


def check_columns(settings: DataSettings) -> None:
    """Refuses columns of which one plays two parts; only `group` may share."""
    parts = {role: column for role, column in settings.by_role.items() if role != "group"}
    for (role, column), (other_role, other) in combinations(parts.items(), 2):
        if column == other:
            raise DataError(f"data.columns.{role} and data.columns.{other_role} are both {column!r}; they must differ.")


def check_units(units: Iterable[Unit], settings: DataSettings) -> None:
    """Looks at the beginning of each table; files in folders of classes are looked at one by one as they are read.

    Raises:
        DataError: one sentence about the first table that cannot be used.
    """
    for unit in units:
        if is_folder(unit.format):
            continue
        file = unit.files[0]
        head = _head(file)
        if unit.format == "parquet":
            _check_parquet_head(file, head)
        else:
            _check_text_head(file, head, unit.format)
        _check_rows(file, unit.format, tuple(settings.by_role.values()))


def _head(file: str) -> bytes:
    try:
        with Path(file).open("rb") as opened:
            head = opened.read(_HEAD)
    except PermissionError as error:
        raise DataError(f"{file} (data.path) may not be read by this user; change its permissions.") from error
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise DataError(f"{file} is empty.")
    return head


def _check_parquet_head(file: str, head: bytes) -> None:
    if not head.startswith(b"PAR1"):
        raise DataError(f"{file} is not a Parquet file; set data.format to what it is.")


def _check_text_head(file: str, head: bytes, format_: TableFormat) -> None:
    for signature, what in _SIGNATURES.items():
        if head.startswith(signature):
            raise DataError(f"{file} is not {format_.upper()} but {what}.")
    if format_ == "jsonl" and head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"["):
        raise DataError(
            f"{file} is a JSON array, not JSON Lines; write one object a line, without brackets and commas."
        )
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > _MAX_CONTROLS * len(head):
        raise DataError(f"{file} is not {format_.upper()} but a binary file.")


def _check_rows(file: str, format_: TableFormat, columns: Sequence[str]) -> None:
    if format_ == "jsonl":
        _check_keys(file, columns)
        return
    if next(read_rows(file, format_, columns), None) is None:
        raise DataError(f"{file} has a header but no rows." if format_ != "parquet" else f"{file} has no rows.")


def _check_keys(file: str, columns: Sequence[str]) -> None:
    """A JSON Lines file has no header: its columns are all keys of its first rows."""
    from components.ingest.jsonl import read_objects

    sample = list(islice(read_objects(file), _SAMPLE))
    objects = [item[1] for item in sample if not isinstance(item, Reject)]
    rejects = [item for item in sample if isinstance(item, Reject)]
    if not objects and rejects:
        raise DataError(
            f"{file} is not JSON Lines, one object a line:"
            f" line {rejects[0].line} is {rejects[0].reason} ({rejects[0].detail})."
        )
    keys = list(dict.fromkeys(key for found in objects for key in found))
    for column in columns:
        if column not in keys:
            raise missing_column(file, keys, column)
