"""A model becomes the newest version under a base path: complete, by one rename, or not at all."""

import os
import shutil
import time
from contextlib import AbstractContextManager
from pathlib import Path

from components.alone import alone
from components.versions import newest_version

_INCOMING = ".incoming"
_LOCK = ".publishing"


def publishing(base: Path) -> AbstractContextManager[None]:
    """Be the only one to make versions under a base path; runs on a cluster have no other lock in common."""
    return alone(base / _LOCK)


def next_version(base: str | Path) -> int:
    """The seconds since 1970, or one more than the newest version where the clock is behind it."""
    return max(int(time.time()), (newest_version(base) or 0) + 1)


def stage(model: Path, base: Path) -> Path:
    """Copy a SavedModel beside the versions under a name that no server looks at; returns the copy.

    Whoever calls it is `publishing`, so that what lies there half-done is nobody's.
    """
    incoming = base / _INCOMING
    shutil.rmtree(incoming, ignore_errors=True)  # what a killed push left behind
    shutil.copytree(model, incoming)
    for file in incoming.rglob("*"):
        _to_disk(file)
    _to_disk(incoming)
    return incoming


def release(staged: Path, version: int) -> None:
    """Give what `stage` returned its number, by which servers take it up."""
    staged.rename(staged.with_name(str(version)))
    _to_disk(staged.parent)


def publish(model: Path, base: Path, version: int) -> None:
    """Stage and release a SavedModel."""
    release(stage(model, base), version)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
