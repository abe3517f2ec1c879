"""Small sound pictures, no two alike."""

from pathlib import Path

from tests.components.pictures import drawings

FORMATS = ("PNG", "JPEG", "GIF", "BMP")


def picture(number: int) -> bytes:
    """One of 100 pictures of all formats in turn."""
    return drawings.encode(drawings.drawing(5 + number % 10, 4 + number // 10), FORMATS[number % len(FORMATS)])


def write(file: Path, content: bytes) -> Path:
    """Writes a file, and the folders that it lies in."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file
