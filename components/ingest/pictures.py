"""Reads the pictures that a table or a folder names; each is decoded once, so that what is kept can be learnt from."""

from pathlib import Path

from components.pictures.check import check_picture

MAX_BYTES = 64 << 20


class Pictures:
    """Pictures under one folder.

    Args:
        folder: what paths are relative to; none leads out of it.
        max_pixels: larger pictures are refused.
        check: whether to decode; without, a picture is taken as it is.
    """

    def __init__(self, folder: Path, max_pixels: int, *, check: bool = True) -> None:
        self._folder = folder.resolve()
        self._max_pixels = max_pixels
        self._check = check

    def read(self, path: str) -> bytes | tuple[str, str]:
        """The encoded bytes of a picture, or (reason, detail) why it cannot be used."""
        try:
            file = (self._folder / path).resolve()
            if not file.is_relative_to(self._folder):
                return "path leaves the folder", f"{path} is not inside {self._folder}"
            if not file.is_file():
                return "no such file", f"{path} in {self._folder}"
            size = file.stat().st_size
            if size > MAX_BYTES:
                return "file too large", f"{size:,} bytes, allowed are {MAX_BYTES:,}"
            content = file.read_bytes()
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symbolic links
            return "file cannot be read", f"{path}: {getattr(error, 'strerror', None) or error}"
        return (check_picture(content, self._max_pixels) if self._check else None) or content
