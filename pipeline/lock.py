"""One run of a pipeline at a time, across processes."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import UserError


class BusyError(UserError):
    """Another process is running this pipeline."""


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a pipeline's output folder; the kernel lets go of it however the process ends.

    Raises:
        BusyError: another process holds it; the text names the process.
        UserError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a+")
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror}; set output: to another folder") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise BusyError(f"{folder}: process {file.read().strip() or '?'} is running this pipeline") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_locked(folder: Path) -> bool:
    """Whether some process runs the pipeline now."""
    try:
        file = (folder / ".lock").open()
    except OSError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
