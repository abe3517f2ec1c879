"""Many picture files that are damaged, lie, or are unusual, into a folder; the same ones for the same seed."""

import random
from collections.abc import Callable
from pathlib import Path

from components.pictures.formats import DAMAGED, EMPTY, NO_PICTURE, TOO_LARGE, UNSUPPORTED
from tests.components.pictures import drawings as d

type Maker = Callable[[random.Random], bytes]


def _size(rng: random.Random) -> tuple[int, int]:
    return rng.randint(2, 60), rng.randint(2, 60)


def _any(rng: random.Random) -> bytes:
    """A sound picture of any format."""
    picture = d.drawing(*_size(rng))
    match rng.choice(("PNG", "JPEG", "GIF", "BMP")):
        case "GIF":
            return d.encode(picture.quantize(rng.randint(2, 256)), "GIF")
        case format_:
            return d.encode(picture, format_)


def _truncated(rng: random.Random) -> bytes:
    content = _any(rng)
    return content[: rng.randint(1, len(content) * 9 // 10)]


def _flipped_bits(rng: random.Random) -> bytes:
    content = bytearray(_any(rng))
    for _ in range(rng.randint(1, 8)):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(content)


def _animated(rng: random.Random) -> bytes:
    picture = d.drawing(*_size(rng))
    turned = [picture.rotate(90 * turn) for turn in range(1, rng.randint(2, 4))]
    return d.encode(picture, "GIF", save_all=True, append_images=turned)


def _huge_header(rng: random.Random) -> bytes:
    header = d.png(20_000, 20_000, b"\0" * rng.randint(1, 1000))
    bmp = d.bmp_size(d.encode(d.drawing(9, 7), "BMP"), 20_000, -20_000)
    gif = bytearray(d.encode(d.drawing(9, 7).quantize(8), "GIF"))
    gif[6:10] = (20_000).to_bytes(2, "little") * 2
    return rng.choice((header, bmp, bytes(gif)))


def _huge_text(rng: random.Random) -> bytes:
    content = d.encode(d.drawing(*_size(rng)), "PNG")
    bomb = b"Comment\0\0" + d.zlib.compress(bytes(rng.randint(1, 4) << 20), 9)
    return content[:33] + d.chunk(b"zTXt", bomb) + content[33:]


def _lying_bmp(rng: random.Random) -> bytes:
    width, height = _size(rng)
    content = d.encode(d.drawing(width, height), "BMP")
    lies = ((width + 4, height), (-width, height), (0, height), (width, 0), (width, -(2**31)), (2**31 - 1, 2**31 - 1))
    return d.bmp_size(content, *rng.choice(lies))


KINDS: dict[str, Maker] = {
    "sound": _any,
    "truncated": _truncated,
    "flipped bits": _flipped_bits,
    "one pixel": lambda rng: d.encode(d.drawing(1, 1), rng.choice(("PNG", "JPEG", "GIF", "BMP"))),
    "one pixel wide": lambda rng: d.encode(d.drawing(1, rng.randint(100, 60_000)), "PNG"),
    "huge header": _huge_header,
    "CMYK JPEG": lambda rng: d.encode(d.drawing(*_size(rng)).convert("CMYK"), "JPEG"),
    "progressive JPEG": lambda rng: d.encode(d.drawing(*_size(rng)), "JPEG", progressive=True),
    "16-bit PNG": lambda rng: d.png_of_16_bits(*_size(rng), channels=rng.choice((1, 3))),
    "interlaced PNG": lambda rng: d.interlaced_png(d.drawing(*_size(rng))),
    "palette PNG": lambda rng: d.encode(d.drawing(*_size(rng)).quantize(rng.choice((2, 4, 13, 200))), "PNG"),
    "transparent PNG": lambda rng: d.encode(d.with_alpha(d.drawing(*_size(rng))), "PNG"),
    "palette BMP": lambda rng: d.encode(d.drawing(*_size(rng)).quantize(200), "BMP"),
    "animated GIF": _animated,
    "thousands of frames": lambda rng: d.gif_of_frames(d.drawing(40, 30), rng.randint(1000, 5000)),
    "huge text": _huge_text,
    "lying BMP": _lying_bmp,
    "text": lambda rng: f"This is no picture but line {rng.random()}.\n".encode() * rng.randint(1, 50),
    "zero bytes": lambda rng: b"",  # noqa: ARG005
    "noise": lambda rng: rng.randbytes(rng.randint(1, 3000)),
    "noise after a signature": lambda rng: (
        rng.choice((d.PNG_SIGNATURE, b"\xff\xd8\xff", b"GIF89a", b"BM")) + rng.randbytes(rng.randint(0, 3000))
    ),
    "other format": lambda rng: d.encode(d.drawing(*_size(rng)), rng.choice(("WEBP", "TIFF", "PPM"))),
}
"""What is in a file."""

ENDINGS = (".png", ".jpg", ".JPEG", ".gif", ".bmp")
NAMES = ("plain", "with space", "ünïcödé", "写真", "line\nbreak", 'quo"te', "semi;colon,comma", "-dash", "emoji🙂")
LINK = "link out of the folder"

REFUSED = {
    "huge header": {TOO_LARGE},
    "palette BMP": {UNSUPPORTED},
    "lying BMP": {DAMAGED, TOO_LARGE},
    "text": {NO_PICTURE},
    "zero bytes": {EMPTY},
    "noise": {NO_PICTURE},
    "noise after a signature": {DAMAGED, TOO_LARGE, UNSUPPORTED},
    "other format": {UNSUPPORTED, NO_PICTURE},
}
"""For which reasons a kind must be refused."""
EITHER = {"truncated", "flipped bits"}
"""Kinds that may be refused or not; all others must not."""


def write_hostile(folder: Path, number: int, seed: int = 0) -> dict[Path, str]:
    """Write files of all kinds in turn, half of the time with an ending that has nothing to do with what is in them.

    Args:
        folder: where to; it must exist. Beside it comes a file `outside.png`, to which symbolic links lead.
        number: of files, links among them.
        seed: the same seed gives the same bytes and names.

    Returns:
        The kind of each file: a key of KINDS, or LINK.
    """
    rng = random.Random(seed)
    outside = folder.parent / "outside.png"
    outside.write_bytes(d.encode(d.drawing(), "PNG"))
    written = {}
    kinds = [*KINDS, LINK]
    for index in range(number):
        kind = kinds[index % len(kinds)]
        path = folder / f"{index:05}-{rng.choice(NAMES)}{rng.choice(ENDINGS)}"
        if kind == LINK:
            path.symlink_to(outside)
        else:
            path.write_bytes(KINDS[kind](rng))
        written[path] = kind
    return written
