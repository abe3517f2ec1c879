"""Why a picture cannot be used, told before it is stored: what passes here is decoded rightly in training and serving."""

import io
from typing import TYPE_CHECKING

from components.pictures.formats import MAX_PIXELS, SIGNATURES, Format, format_of, size_of
from components.pictures.gif import frame_pixels

if TYPE_CHECKING:
    import numpy as np

_ALLOWED = "allowed are " + ", ".join(SIGNATURES)
_DAMAGED = "truncated or damaged picture"
_UNSUPPORTED = "unsupported picture format"
_OTHERS = (
    (0, b"RIFF", "a WebP"),
    (0, b"II*\0", "a TIFF"),
    (0, b"MM\0*", "a TIFF"),
    (4, b"ftypavif", "an AVIF"),
    (4, b"ftyp", "a HEIF or a video"),
    (0, b"\xff\x0a", "a JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000"),
    (0, b"\0\0\x01\0", "a Windows icon"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"%PDF", "a PDF"),
    (0, b"<svg", "an SVG"),
)


def check_picture(content: bytes, max_pixels: int = MAX_PIXELS) -> tuple[str, str] | None:
    """Whether a file is a picture that can be used; goes by what is in it, never by its name.

    Args:
        content: the file's bytes, whatever they are.
        max_pixels: width × height allowed, of a GIF all its frames together; more than MAX_PIXELS counts as MAX_PIXELS,
            because serving allows no more.

    Returns:
        None if `decode.decode_pictures` reads it, else (reason, detail): the reason one of a few fixed phrases, by which
        rejects can be counted, the detail about this file.
    """
    if not content:
        return "empty picture", "0 bytes"
    format_ = format_of(content)
    if format_ is None:
        return _not_allowed(content)
    return _too_large(content, format_, min(max_pixels, MAX_PIXELS)) or _undecodable(content, format_)


def _not_allowed(content: bytes) -> tuple[str, str]:
    for start, signature, name in _OTHERS:
        if content[start:].startswith(signature):
            return _UNSUPPORTED, f"{name}; {_ALLOWED}"
    return "not a picture", f"begins with {content[:8].hex(' ')}; {_ALLOWED}"


def _too_large(content: bytes, format_: Format, max_pixels: int) -> tuple[str, str] | None:
    size = size_of(content, format_)
    if size is None:
        return _DAMAGED, f"a {format_} that ends before its size, after {len(content):,} bytes"
    width, height = size
    pixels, frames = width * height, ""
    if format_ == "GIF":
        of_frames = frame_pixels(content)
        pixels = max(pixels, sum(of_frames))
        frames = f" in {len(of_frames):,} frames"
    if pixels > max_pixels:
        return "too many pixels", f"{width} × {height} pixels{frames}, allowed are {max_pixels:,}"
    return None


def _undecodable(content: bytes, format_: Format) -> tuple[str, str] | None:
    import tensorflow as tf

    from components.pictures.decode import READERS

    try:
        pixels = READERS[format_](tf.constant(content))
    except tf.errors.InvalidArgumentError as error:
        message = error.message.partition("}} ")[2] or error.message
        return _DAMAGED, f"a {format_}: {message.splitlines()[0].removesuffix(' [Op:DecodeImage]')}"
    if format_ in ("GIF", "BMP") and not _as_pillow_shows(content, pixels.numpy()):
        return _UNSUPPORTED, f"a {format_} of a kind that would come out in wrong colours; save it as PNG"
    return None


def _as_pillow_shows(content: bytes, pixels: "np.ndarray") -> bool:
    """Whether Pillow makes the same of it.

    TensorFlow ignores palette, compression and masks of a BMP; it paints black what a GIF leaves transparent.
    """
    import numpy as np
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=["GIF", "BMP"]) as picture:
            rgba = picture.convert("RGBA")
            white = Image.new("RGBA", rgba.size, "white")
            seen = Image.alpha_composite(white, rgba).convert("RGB")
    except (OSError, ValueError, SyntaxError):
        return False
    return bool(np.array_equal(np.asarray(seen), pixels))
