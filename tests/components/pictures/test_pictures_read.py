"""What the graph makes of pictures of every kind, against Pillow."""

import struct

import numpy as np
import pytest
import tensorflow as tf

from components.pictures.formats import MAX_PIXELS, format_of
from components.pictures.read import whole_reader
from tests.components.pictures import drawings as d


def read(content: bytes, max_pixels: int = MAX_PIXELS) -> tf.Tensor:
    format_ = format_of(content)
    assert format_
    return whole_reader(format_)(content, max_pixels)


DRAWING = d.drawing()
PALETTE = DRAWING.quantize(200)
TURNED = [DRAWING.rotate(angle) for angle in (90, 180)]
V4 = 108  # bytes of the BMP header that knows alpha


def bmp_of_bitfields(alpha_mask: bytes) -> bytes:
    """32 bits per pixel by masks, header V4; the fourth byte of a pixel is 0, 120 or 240."""
    pixels = np.zeros((5, 7, 4), np.uint8)
    pixels[..., 0], pixels[..., 1], pixels[..., 2] = 10, np.arange(7) * 30, 250
    pixels[..., 3] = np.arange(7) % 3 * 120
    header = struct.pack("<IiiHHIIiiII", V4, 7, 5, 1, 32, 3, pixels.size, 0, 0, 0, 0)
    masks = bytes.fromhex("0000ff00 00ff0000 ff000000") + alpha_mask + b"BGRs"
    header += masks.ljust(V4 - len(header), b"\0")
    start = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", start + pixels.size, 0, 0, start) + header + pixels.tobytes()


def on_canvas(gif: bytes, width: int, height: int, left: int, top: int) -> bytes:
    """The GIF with its first frame elsewhere on another canvas."""
    before, rest = d.frames(gif)
    frame = rest.index(b",\0\0\0\0")
    return (
        before[:6]
        + struct.pack("<HH", width, height)
        + before[10:]
        + rest[: frame + 1]
        + struct.pack("<HH", left, top)
        + rest[frame + 5 :]
        + b";"
    )


PICTURES = {
    "PNG": d.encode(DRAWING, "PNG"),
    "grey PNG": d.encode(DRAWING.convert("L"), "PNG"),
    "PNG of 1 bit": d.encode(DRAWING.convert("1"), "PNG"),
    "PNG of 2 colours": d.encode(DRAWING.quantize(2), "PNG"),
    "PNG of 4 colours": d.encode(DRAWING.quantize(4), "PNG"),
    "PNG of 16 colours": d.encode(DRAWING.quantize(16), "PNG"),
    "PNG of 200 colours": d.encode(PALETTE, "PNG"),
    "PNG with alpha": d.encode(d.with_alpha(DRAWING), "PNG"),
    "grey PNG with alpha": d.encode(d.with_alpha(DRAWING.convert("L")), "PNG"),
    "PNG with a transparent palette colour": d.encode(PALETTE, "PNG", transparency=3),
    "PNG of 16 colours, one transparent": d.encode(DRAWING.quantize(16), "PNG", transparency=3),
    "PNG with a transparent colour": d.encode(DRAWING, "PNG", transparency=DRAWING.getpixel((9, 9))),
    "PNG with a transparent grey": d.encode(DRAWING.convert("L"), "PNG", transparency=40),
    "interlaced PNG": d.interlaced_png(DRAWING),
    "grey PNG of 16 bits": d.png_of_16_bits(9, 5, channels=1),
    "JPEG": d.encode(DRAWING, "JPEG"),
    "grey JPEG": d.encode(DRAWING.convert("L"), "JPEG"),
    "progressive JPEG": d.encode(DRAWING, "JPEG", progressive=True),
    "JPEG without subsampling": d.encode(DRAWING, "JPEG", subsampling=0),
    "CMYK JPEG": d.encode(DRAWING.convert("CMYK"), "JPEG"),
    "GIF": d.encode(PALETTE, "GIF"),
    "GIF not interlaced": d.encode(PALETTE, "GIF", interlace=0),
    "animated GIF": d.encode(DRAWING, "GIF", save_all=True, append_images=TURNED),
    "GIF with a transparent colour": d.encode(PALETTE, "GIF", transparency=3),
    "GIF with a comment": d.encode(PALETTE, "GIF", comment=b"x" * 600),
    "BMP": d.encode(DRAWING, "BMP"),
    "grey BMP": d.encode(DRAWING.convert("L"), "BMP"),
    "BMP of 32 bits": d.encode(d.with_alpha(DRAWING), "BMP"),
    "BMP with alpha": bmp_of_bitfields(bytes.fromhex("000000ff")),
    "BMP with masks": bmp_of_bitfields(bytes(4)),
    "BMP from the top": d.bmp_size(d.encode(DRAWING, "BMP"), 53, -37),
    "one pixel": d.encode(d.drawing(1, 1), "PNG"),
    "one pixel, BMP": d.encode(d.drawing(1, 1), "BMP"),
    "one pixel, GIF": d.encode(d.drawing(1, 1).quantize(2), "GIF"),
    "one pixel wide": d.encode(d.drawing(1, 65_000), "PNG"),
    "one pixel high": d.encode(d.drawing(65_000, 1), "JPEG"),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_is_what_pillow_shows(kind: str) -> None:
    pixels = read(PICTURES[kind])
    assert pixels.dtype == tf.uint8
    np.testing.assert_allclose(pixels.numpy().astype(int), d.seen(PICTURES[kind]), atol=1 if "alpha" in kind else 0)


def test_of_16_bits_the_upper_count() -> None:
    content = d.png(2, 1, b"\0" + bytes([1, 200, 2, 100, 3, 50, 255, 255, 128, 0, 0, 255]), depth=16)
    np.testing.assert_array_equal(read(content), [[[1, 2, 3], [255, 128, 0]]])


def test_hidden_colours_do_not_show() -> None:
    content = d.png(3, 1, b"\0" + bytes([90, 60, 30, 255, 90, 60, 30, 0, 90, 60, 30, 51]), kind=6)
    np.testing.assert_array_equal(read(content), [[[90, 60, 30], [255, 255, 255], [222, 216, 210]]])


def test_a_gif_is_as_large_as_its_canvas_and_white_where_no_frame_is() -> None:
    gif = d.encode(DRAWING.quantize(50), "GIF")
    frame = d.seen(gif)
    pixels = read(on_canvas(gif, 60, 41, left=4, top=3)).numpy()
    assert pixels.shape == (41, 60, 3)
    np.testing.assert_array_equal(pixels[3:40, 4:57], frame)
    pixels[3:40, 4:57] = 255
    assert (pixels == 255).all()


def test_only_the_first_frame_of_a_gif_has_to_be_whole() -> None:
    whole = PICTURES["animated GIF"]
    np.testing.assert_array_equal(read(whole[:-200]), read(whole))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (on_canvas(PICTURES["GIF"], 53, 37, left=1, top=0), "unsupported picture format: the first frame of a GIF"),
        (d.encode(PALETTE, "BMP"), "unsupported picture format: a BMP must be uncompressed"),
        (d.encode(DRAWING.convert("1"), "BMP"), "unsupported picture format: a BMP must be uncompressed"),
        (d.bmp_size(PICTURES["BMP"], 53, 38), "Input size should match"),
        (PICTURES["PNG"][:20], "truncated or damaged picture: it ends before it has 25 bytes"),
        (PICTURES["GIF"][:13], "slice index"),
        (PICTURES["GIF"][:13] + b";", "slice index|no frame of a GIF"),
        (PICTURES["PNG"][:-1], "Invalid PNG data"),
        (PICTURES["JPEG"][:-2], "Invalid JPEG data"),
    ],
)
def test_what_cannot_be_shown_rightly_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        d.png(5001, 5000, b""),
        d.png(2**32 - 1, 2**32 - 1, b""),
        d.bmp_size(PICTURES["BMP"], 25_000_001, -1),
        d.bmp_size(PICTURES["BMP"], -(2**31), -(2**31)),
        on_canvas(PICTURES["GIF"], 5001, 5000, left=0, top=0),
        PICTURES["JPEG"].replace(struct.pack(">HH", 37, 53), struct.pack(">HH", 5001, 5000)),
    ],
)
def test_a_picture_that_claims_too_many_pixels_is_not_inflated(content: bytes) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"too many pixels: width and height.* \[25000000\]"):
        read(content)


def test_the_limit_itself_is_allowed() -> None:
    assert read(PICTURES["JPEG"], 53 * 37).shape == (37, 53, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="too many pixels"):
        read(d.encode(d.drawing(53, 38), "JPEG"), 53 * 37)
