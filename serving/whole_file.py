"""Files that others see complete or not at all."""

import errno
import os
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Write a file so that it is there as a whole or not at all; a device or a pipe is written to as it is.

    Raises:
        OSError: it cannot be written.
    """
    if _is_special(file):
        file.write_text(text, encoding="utf-8")
        return
    file = file.resolve()  # what a link names is replaced, not the link
    incoming = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        incoming.write_text(text, encoding="utf-8")
        incoming.replace(file)
    finally:
        incoming.unlink(missing_ok=True)


def check_writable(file: Path) -> None:
    """Find out before the work for it whether a file could be written.

    Raises:
        OSError: it could not.
    """
    place = file if _is_special(file) else file.resolve().parent
    if file.is_dir():
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not place.exists():
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    if not os.access(place, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))


def _is_special(file: Path) -> bool:
    return file.exists() and not file.is_file()
