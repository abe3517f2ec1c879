"""A model becomes the newest version under a base path: complete, by one rename, or not at all."""

import os
import shutil
import time
from pathlib import Path

from components.versions import newest_version

_INCOMING = ".incoming"


def next_version(base: str | Path) -> int:
    """The seconds since 1970, or one more than the newest version where the clock is behind it."""
    return max(int(time.time()), (newest_version(base) or 0) + 1)


def publish(model: Path, base: Path, version: int) -> None:
    """Copy a SavedModel beside the versions under a name that no server looks at, then rename it.

    Whoever calls it holds the lock of the pipeline, so that what lies there half-done is nobody's.
    """
    base.mkdir(parents=True, exist_ok=True)
    incoming = base / _INCOMING
    shutil.rmtree(incoming, ignore_errors=True)  # what a killed push left behind
    shutil.copytree(model, incoming)
    for file in incoming.rglob("*"):
        _to_disk(file)
    _to_disk(incoming)
    incoming.rename(base / str(version))
    _to_disk(base)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
