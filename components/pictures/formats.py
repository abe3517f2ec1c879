"""Which picture formats are read, how large a picture may be, and what a file's first bytes say of both."""

import struct
from typing import Literal

Format = Literal["PNG", "JPEG", "GIF", "BMP"]

MAX_PIXELS = 25_000_000
"""Width × height of the largest picture that is decoded."""

SIGNATURES: dict[Format, bytes] = {
    "PNG": b"\x89PNG\r\n\x1a\n",
    "JPEG": b"\xff\xd8\xff",
    "GIF": b"GIF8",
    "BMP": b"BM",
}

HEAD = 26
"""So many first bytes tell the format, and the size where it is no JPEG."""


def format_of(content: bytes) -> Format | None:
    """The format that the first bytes tell.

    >>> format_of(b"GIF89a"), format_of(b"II*")
    ('GIF', None)
    """
    return next((name for name, signature in SIGNATURES.items() if content.startswith(signature)), None)


def size_of(content: bytes, format_: Format) -> tuple[int, int] | None:
    """(width, height) as the file claims them; None where it ends before it does.

    Of a GIF this is the canvas, whatever the size of its frames.
    """
    if format_ == "JPEG":
        return _size_of_jpeg(content)
    if len(content) < HEAD:
        return None
    match format_:
        case "PNG":
            return struct.unpack_from(">II", content, 16)
        case "GIF":
            return struct.unpack_from("<HH", content, 6)
        case "BMP":
            width, height = struct.unpack_from("<ii", content, 18)
            return abs(width), abs(height)


def _size_of_jpeg(content: bytes) -> tuple[int, int] | None:
    """Looks for the start of frame, SOF0 to SOF15 without DHT, JPG and DAC; ITU-T T.81, B.2.2."""
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        else:
            at += 2 + int.from_bytes(content[at + 2 : at + 4])
    return None
