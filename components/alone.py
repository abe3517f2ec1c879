"""One process at a time at a place on disk; the others wait."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Hold a lock file, which is made, with its folder, and gone afterwards; the kernel lets go however it ends.

    Raises:
        OSError: the file cannot be made, or its file system knows no locks.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with file.open("ab") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            if not _is_at(file, held.fileno()):
                continue  # whoever had it before has removed it meanwhile
            try:
                yield
            finally:
                file.unlink(missing_ok=True)
            return


def _is_at(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
