"""Texts shortened and pictures made small, so that a page can show many."""

import base64
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

from components.parts import Kind
from components.pictures.formats import MAX_PIXELS, format_of
from components.pictures.read import whole_reader

TEXT_LENGTH = 180
SIDE = 112
"""Longer side of a thumbnail, in pixels."""

_FEW_PIXELS = 64
_LOSSLESS_SIDE = 32


@dataclass(frozen=True)
class Shown:
    """A text, or a picture as a `data:` address."""

    text: str
    """The text, or of a picture the words that stand for it."""
    picture: str = ""
    width: int = 0
    height: int = 0

    @property
    def pixelated(self) -> bool:
        """Whether the picture is so small that it should be enlarged with hard edges."""
        return 0 < max(self.width, self.height) <= _FEW_PIXELS


def shorten(text: str, length: int = TEXT_LENGTH) -> str:
    """One line of at most `length` characters, ending in … where something is missing.

    >>> shorten("one  two three", 9)
    'one two…'
    """
    line = re.sub(r"\s+", " ", text).strip()
    if len(line) <= length:
        return line
    cut = line[:length]
    return (cut[: cut.rfind(" ")] if " " in cut[length // 2 :] else cut[:-1]).rstrip(" ,;:.–-") + "…"


def show(content: bytes, kind: Kind, name: str = "", length: int = TEXT_LENGTH) -> Shown:
    """What the page shows of a raw text or an encoded picture.

    Args:
        content: the text in UTF-8, or the picture's file.
        kind: which of them.
        name: words that stand for a picture.
        length: of a text.
    """
    if kind != "image":
        return Shown(shorten(content.decode(errors="replace"), length))
    format_ = format_of(content)
    if format_ is None:
        raise ValueError(f"no picture: it begins with {content[:8]!r}")
    image = Image.fromarray(whole_reader(format_)(content, MAX_PIXELS).numpy())
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    lossless = max(image.size) <= _LOSSLESS_SIDE
    file = io.BytesIO()
    image.save(file, "PNG" if lossless else "WEBP", **_OPTIONS[lossless])
    address = f"data:image/{'png' if lossless else 'webp'};base64,{base64.b64encode(file.getvalue()).decode()}"
    return Shown(name, address, *image.size)


_OPTIONS: Mapping[bool, Mapping[str, int | bool]] = {True: {"optimize": True}, False: {"quality": 82}}
