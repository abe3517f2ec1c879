"""Physical lines of a UTF-8 file: numbered, limited in length, and not broken by bytes that are not UTF-8."""

import codecs
from collections.abc import Iterator
from typing import NamedTuple

MAX_LINE = 1 << 22  # bytes; room for two texts of 100,000 characters, each escaped as \uXXXX
_KEPT = 400  # bytes kept of a line that is longer


class Line(NamedTuple):
    """One line with its line end. `fault` is None, or (reason, detail) when the line must not be used."""

    number: int
    text: str
    fault: tuple[str, str] | None


def read_lines(path: str) -> Iterator[Line]:
    """Yields the lines of a file, split at line feeds, numbered from 1, without a byte order mark.

    A line that is not UTF-8 comes with its bad bytes as lone surrogates; of a line longer than MAX_LINE only the
    beginning, with apostrophes for quotes, so that a reader of CSV takes it for a whole record.
    """
    with open(path, "rb") as file:  # noqa: PTH123 - a str, not a Path: this is where files of any size are opened
        number = 0
        while data := file.readline(MAX_LINE):
            number += 1
            if number == 1:
                data = data.removeprefix(codecs.BOM_UTF8)
            too_long = len(data) == MAX_LINE and not data.endswith(b"\n")
            if too_long:
                while (rest := file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                    pass
                text = data[:_KEPT].decode(errors="replace").replace('"', "'")
                yield Line(number, f"{text}\n", ("line too long", f"more than {MAX_LINE:,} bytes without a line end"))
                continue
            try:
                yield Line(number, data.decode(), None)
            except UnicodeDecodeError as error:
                detail = f"byte 0x{data[error.start]:02x} at position {error.start + 1} of line {number}"
                yield Line(number, data.decode(errors="surrogateescape"), ("not UTF-8", detail))
