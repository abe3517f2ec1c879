"""Why a picture cannot be used, told when it comes in: what passes here is decoded by training and serving."""

import re

from components.pictures.formats import (
    DAMAGED,
    EMPTY,
    MAX_PIXELS,
    NO_PICTURE,
    SIGNATURES,
    TOO_LARGE,
    UNSUPPORTED,
    Format,
    format_of,
)

_ALLOWED = "allowed are " + ", ".join(SIGNATURES)
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
    """Whether a file is a picture that can be used. It is decoded once, as training and serving do.

    Args:
        content: the file's bytes, whatever they are.
        max_pixels: width × height allowed; serving allows MAX_PIXELS, so more than that counts as that.

    Returns:
        None if `decode.decode_pictures` takes it, else (reason, detail): the reason one of those in `formats`, by which
        rejects can be counted, the detail about this file.
    """
    if not content:
        return EMPTY, "0 bytes"
    format_ = format_of(content)
    if format_ is None:
        return _not_allowed(content)

    import tensorflow as tf

    from components.pictures.read import whole_reader

    try:
        whole_reader(format_)(content, min(max_pixels, MAX_PIXELS))
    except tf.errors.InvalidArgumentError as error:
        return _explain(error.message, format_)
    return None


def _not_allowed(content: bytes) -> tuple[str, str]:
    for start, signature, name in _OTHERS:
        if content.startswith(signature, start):
            return UNSUPPORTED, f"{name}; {_ALLOWED}"
    return NO_PICTURE, f"begins with {content[:8].hex(' ')}; {_ALLOWED}"


def _explain(message: str, format_: Format) -> tuple[str, str]:
    """Reason and detail from the message of one of `read.READERS`."""
    if TOO_LARGE in message:
        width, height, allowed = map(int, re.findall(r"\[(\d+) (\d+)\] \[(\d+)\]", message)[0])
        return TOO_LARGE, f"{width:,} × {height:,} pixels, allowed are {allowed:,}"
    for reason in (UNSUPPORTED, DAMAGED):
        told = re.search(rf"{reason}: ([^\]]*)", message)
        if told:
            return reason, told[1]
    return DAMAGED, f"a {format_} that cannot be decoded"
