"""Which picture formats are read, how large a picture may be, and the reasons for which one is not read."""

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
"""How a file of each format begins; its name says nothing."""

EMPTY = "empty picture"
NO_PICTURE = "not a picture"
UNSUPPORTED = "unsupported picture format"
TOO_LARGE = "too many pixels"
DAMAGED = "truncated or damaged picture"


def format_of(content: bytes) -> Format | None:
    """The format that the first bytes tell.

    >>> format_of(b"GIF89a"), format_of(b"II*")
    ('GIF', None)
    """
    return next((name for name, signature in SIGNATURES.items() if content.startswith(signature)), None)
