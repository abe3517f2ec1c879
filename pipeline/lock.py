"""One run of a pipeline at a time, across processes."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

from components.errors import UserError

_RUN = ".lock"
_SCHEDULE = ".schedule.lock"


class BusyError(UserError):
    """Another process is running this pipeline."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: try again later


def run_lock(folder: Path) -> AbstractContextManager[None]:
    """Hold the lock of a pipeline's output folder; the kernel lets go of it however the process ends.

    Raises:
        BusyError: another process holds it; the text names the process.
        UserError: the folder cannot be written.
    """
    return _hold(folder / _RUN, "is running this pipeline")


def schedule_lock(folder: Path) -> AbstractContextManager[None]:
    """Hold the lock of a pipeline's schedule in the same way; runs are free to come and go meanwhile."""
    return _hold(folder / _SCHEDULE, "schedules this pipeline")


@contextmanager
def _hold(path: Path, does: str) -> Iterator[None]:
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror}; set output: to another folder") from None
    with file:
        if not _lock(file):
            file.seek(0)
            raise BusyError(f"{folder}: process {file.read().strip() or '?'} {does}")
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _lock(file: IO[str]) -> bool:
    """Whether the lock was to be had; `is_locked` of another process holds it for a moment too."""
    for patience in (0.05, 0.1, 0.2, None):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if patience:
                time.sleep(patience)
        else:
            return True
    return False


def is_locked(folder: Path) -> bool:
    """Whether some process runs the pipeline now."""
    try:
        file = (folder / _RUN).open()
    except OSError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
