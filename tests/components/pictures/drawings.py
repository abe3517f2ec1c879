"""Encoded pictures of every kind, drawn without symmetry; what Pillow does not write is put together by hand."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def drawing(width: int = 53, height: int = 37) -> Image.Image:
    """Colours that run to the right in red, downwards in green, and blue in one corner."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 // width, y * 255 // height, (x > width // 2) * (y < height // 3) * 200], axis=-1)
    return Image.fromarray(pixels.astype(np.uint8))


def with_alpha(picture: Image.Image) -> Image.Image:
    """Opaque on the left, transparent on the right."""
    width, height = picture.size
    alpha = np.tile(255 - np.arange(width) * 255 // max(width - 1, 1), (height, 1))
    seen = picture.copy()
    seen.putalpha(Image.fromarray(alpha.astype(np.uint8)))
    return seen


def encode(picture: Image.Image, format_: str, **options: object) -> bytes:
    """A file, as Pillow writes it."""
    file = io.BytesIO()
    picture.save(file, format_, **options)
    return file.getvalue()


def seen(content: bytes) -> np.ndarray:
    """What Pillow shows of a file over white: uint8[height, width, 3]; of 16 bits the upper 8."""
    with Image.open(io.BytesIO(content)) as picture:
        if picture.mode.startswith("I"):
            return np.repeat((np.asarray(picture) >> 8).astype(np.uint8)[:, :, np.newaxis], 3, axis=2)
        over = picture.convert("RGBA")
    return np.asarray(Image.alpha_composite(Image.new("RGBA", over.size, "white"), over).convert("RGB"))


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, rows: bytes, *, depth: int = 8, kind: int = 2, interlaced: bool = False) -> bytes:
    """A PNG of filtered rows; `kind` is 0 for grey, 2 for colours, 3 for a palette, 4 and 6 with alpha."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def interlaced_png(picture: Image.Image) -> bytes:
    """An Adam7 PNG, as PNG's specification orders its seven passes."""
    pixels = np.asarray(picture.convert("RGB"))
    passes = (pixels[y::dy, x::dx] for x, y, dx, dy in _ADAM7)
    rows = b"".join(b"\0" + row.tobytes() for part in passes if part.size for row in part)
    return png(*picture.size, rows, interlaced=True)


def png_of_16_bits(width: int, height: int, channels: int = 3) -> bytes:
    """Colours (3 channels) or grey (1) of 16 bits whose lower 8 say something else than the upper."""
    values = np.arange(width * height * channels, dtype=np.uint32).reshape(height, -1) * 977 % 65_536
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return png(width, height, rows, depth=16, kind={1: 0, 3: 2}[channels])


def frames(gif: bytes) -> tuple[bytes, bytes]:
    """(what comes before the first frame, the frames) of a GIF with one table of colours."""
    start = 13 + (3 << (gif[10] & 7) + 1)
    return gif[:start], gif[start:-1]


def gif_of_frames(picture: Image.Image, number: int) -> bytes:
    """A GIF that repeats one frame."""
    before, frame = frames(encode(picture.quantize(32), "GIF"))
    return before + frame * number + b";"


def bmp_size(content: bytes, width: int, height: int) -> bytes:
    """A BMP with other numbers in its header."""
    return content[:18] + struct.pack("<ii", width, height) + content[26:]
