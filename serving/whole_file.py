"""Files that others see complete or not at all."""

import os
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Write a file so that it is there as a whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    incoming = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        incoming.write_text(text, encoding="utf-8")
        incoming.replace(file)
    finally:
        incoming.unlink(missing_ok=True)
