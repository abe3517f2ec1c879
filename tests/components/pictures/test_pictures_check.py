import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, UnidentifiedImageError

from components.pictures.check import check_picture
from components.pictures.decode import decode_pictures
from components.pictures.formats import DAMAGED, EMPTY, NO_PICTURE, SIGNATURES, TOO_LARGE, UNSUPPORTED, format_of
from tests.components.pictures import drawings as d
from tests.components.pictures.hostile import EITHER, KINDS, LINK, REFUSED, write_hostile

DRAWING = d.drawing()
SOUND = {
    "PNG": d.encode(DRAWING, "PNG"),
    "JPEG": d.encode(DRAWING, "JPEG", progressive=True),
    "GIF": d.encode(DRAWING, "GIF", save_all=True, append_images=[DRAWING.rotate(90)]),
    "BMP": d.encode(DRAWING, "BMP"),
}
ALLOWED = "allowed are PNG, JPEG, GIF, BMP"
BMP = "a BMP must be uncompressed and have 24 or 32 bits per pixel, or 8 and no colours"


@pytest.mark.parametrize("format_", SOUND)
def test_a_sound_picture_has_no_fault(format_: str) -> None:
    assert check_picture(SOUND[format_]) is None


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", (EMPTY, "0 bytes")),
        (b"hello, world", (NO_PICTURE, f"begins with 68 65 6c 6c 6f 2c 20 77; {ALLOWED}")),
        (d.encode(DRAWING, "WEBP"), (UNSUPPORTED, f"a WebP; {ALLOWED}")),
        (d.encode(DRAWING, "TIFF"), (UNSUPPORTED, f"a TIFF; {ALLOWED}")),
        (d.encode(DRAWING.quantize(9), "BMP"), (UNSUPPORTED, BMP)),
        (d.png(20_000, 20_000, b""), (TOO_LARGE, "20,000 × 20,000 pixels, allowed are 25,000,000")),
        (d.PNG_SIGNATURE, (DAMAGED, "it ends before it has 25 bytes")),
        (SOUND["PNG"][:-20], (DAMAGED, "a PNG that cannot be decoded")),
        (SOUND["JPEG"][:-20], (DAMAGED, "a JPEG that cannot be decoded")),
        (SOUND["GIF"][:900], (DAMAGED, "a GIF that cannot be decoded")),
        (SOUND["BMP"] + b"\0", (DAMAGED, "a BMP that cannot be decoded")),
    ],
)
def test_the_fault_is_told(content: bytes, fault: tuple[str, str]) -> None:
    assert check_picture(content) == fault


def test_fewer_pixels_may_be_asked_for_but_not_more() -> None:
    assert check_picture(SOUND["PNG"], 53 * 37) is None
    assert check_picture(SOUND["PNG"], 53 * 37 - 1) == (TOO_LARGE, "53 × 37 pixels, allowed are 1,960")
    fault = check_picture(d.png(5001, 5000, b""), 10**12)
    assert fault == (TOO_LARGE, "5,001 × 5,000 pixels, allowed are 25,000,000")


def agrees_with_pillow(content: bytes) -> bool:
    """Whether Pillow shows the same; what Pillow refuses but TensorFlow does not, agrees."""
    pixels = decode_pictures([content], 20, 30, 3)[0].numpy().astype(int)
    try:
        shown = d.seen(content)
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError):
        return True
    again = decode_pictures([d.encode(Image.fromarray(shown), "PNG")], 20, 30, 3)[0].numpy()
    return bool(np.abs(pixels - again).max() <= 2)


@given(content=st.binary(max_size=300), signature=st.sampled_from([b"", *SIGNATURES.values()]))
@settings(deadline=None, max_examples=100)
def test_no_bytes_make_it_fail(content: bytes, signature: bytes) -> None:
    fault = check_picture(signature + content)
    assert fault is None or fault[0] in (EMPTY, NO_PICTURE, UNSUPPORTED, DAMAGED, TOO_LARGE)


@given(
    content=st.sampled_from(list(SOUND.values())),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 40),
)
@settings(deadline=None, max_examples=100)
def test_what_is_let_through_is_decoded_and_as_pillow_does(
    content: bytes, changes: list[tuple[float, int]], cut: int
) -> None:
    damaged = bytearray(content)
    for place, value in changes:
        damaged[int(place * len(damaged))] = value
    damaged = damaged[: len(damaged) - cut]
    if check_picture(bytes(damaged)) is None:
        agrees = agrees_with_pillow(bytes(damaged))
        # Decoders differ in what they make of a JPEG or GIF whose compressed data is damaged: neither is right.
        assert agrees or format_of(content) in ("JPEG", "GIF")


def test_hostile_files_are_told_from_unusual_ones(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    files = write_hostile(folder, 3 * (len(KINDS) + 1), seed=4)
    assert {*files.values()} == {*KINDS, LINK}
    for path, kind in files.items():
        content = path.read_bytes()
        fault = check_picture(content)
        if kind in REFUSED:
            assert fault is not None, path
            assert fault[0] in REFUSED[kind], path
        elif kind not in EITHER:
            assert fault is None, path
        assert fault is not None or agrees_with_pillow(content), path


def test_the_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        folder = tmp_path / name / "pictures"
        folder.mkdir(parents=True)
        files = write_hostile(folder, 46, seed=9)
        written.append({path.name: (kind, path.read_bytes()) for path, kind in files.items()})
    assert written[0] == written[1]
    assert len(written[0]) == 46


@pytest.mark.parametrize("module", ["check", "formats", "settings"])
def test_what_the_command_line_may_read_imports_nothing_heavy(module: str) -> None:
    code = f"import components.pictures.{module}, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"tensorflow", "keras", "numpy", "PIL"} & {*loaded}


def test_the_frames_of_an_animation_are_not_inflated() -> None:
    """40 frames of 3000 × 3000 cost TensorFlow itself 6 s and 360 MB."""
    bomb = d.gif_of_frames(Image.new("RGB", (3000, 3000), (90, 60, 30)), 40)
    one = d.gif_of_frames(Image.new("RGB", (3000, 3000), (90, 60, 30)), 1)
    check_picture(one)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    assert check_picture(bomb) is None
    assert time.process_time() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
