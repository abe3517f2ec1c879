"""Rows of a folder of classes, `FOLDER/LABEL/FILE`: every file is a row."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from components.ingest.rows import Reject, Row, reject

_BYTES_A_CHARACTER = 4  # at most, in UTF-8
_ROOM = 4096  # bytes for a byte order mark and white space around a text


def read_folder(
    files: Sequence[str], folder: Path, roles: Sequence[str], max_text_length: int
) -> Iterator[Row | Reject]:
    """Yields a row for each file, numbered from 1.

    Args:
        files: paths.
        folder: the folder of classes.
        roles: what to put into a row: `image` (the path in the folder), `text` (what the file holds), `label`, `id`.
        max_text_length: longer texts are refused, in characters.
    """
    inside = folder.resolve()
    for number, name in enumerate(files, 1):
        file = Path(name)
        path = f"{file.parent.name}/{file.name}"
        if not path.isascii() and (fault := _not_unicode(path)):
            yield reject(number, *fault, ascii(path))
            continue
        values: dict[str, object] = {"image": path, "label": file.parent.name, "id": path}
        if "text" in roles:
            text = _read(file, inside, max_text_length)
            if not isinstance(text, str):
                yield reject(number, *text, path)
                continue
            values["text"] = text
        yield Row(number, tuple(values[role] for role in roles))


def _not_unicode(path: str) -> tuple[str, str] | None:
    try:
        path.encode()
    except UnicodeEncodeError:
        return "name not UTF-8", f"the name of {path!a}"
    return None


def _read(file: Path, folder: Path, max_text_length: int) -> str | tuple[str, str]:
    try:
        if not file.resolve().is_relative_to(folder):
            return "path leaves the folder", f"{file.name} is not inside {folder}"
        limit = max_text_length * _BYTES_A_CHARACTER + _ROOM
        with file.open("rb") as opened:
            content = opened.read(limit + 1)
        if len(content) > limit:
            return "text too long", f"more than {limit:,} bytes, allowed are {max_text_length:,} characters"
        return content.decode("utf-8-sig")
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symbolic links
        return "file cannot be read", f"{getattr(error, 'strerror', None) or error}"
    except UnicodeDecodeError as error:
        return "not UTF-8", f"byte 0x{content[error.start]:02x} at position {error.start + 1}"
