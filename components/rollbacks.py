"""Rollbacks: an earlier version made the newest one again, and the record of it beside the versions.

The record lies under the base path, where a push finds it too: a model that was rolled back must not come back by
itself with the next run.
"""

import datetime
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError

from components.errors import UserError
from components.publish import next_version, publish, publishing
from components.versions import newest_version, pushed_versions
from serving.whole_file import write_whole

FILE = ".rollbacks.json"


class Rollback(BaseModel, frozen=True):
    """One rollback."""

    version: int
    """The new version."""
    source: int
    """The version that it is a copy of."""
    replaced: int
    """The version that was the newest before."""
    time: datetime.datetime
    done: bool = False
    """Written after the version has appeared; a rollback that was killed right before that has its folder."""


_RECORD = TypeAdapter(list[Rollback])


def read_rollbacks(base: Path) -> list[Rollback]:
    """The rollbacks under a base path, oldest first. Raises UserError if their record cannot be read."""
    versions = pushed_versions(base)
    return [rollback for rollback in _read(base) if rollback.done or rollback.version in versions]


def roll_back(base: Path, source: int) -> Rollback:
    """Make version `source`, which is there, the newest one. Whoever calls it holds the lock of the pipeline."""
    with publishing(base):
        replaced = newest_version(base)
        assert replaced is not None, "`source` is there"  # noqa: S101
        now = datetime.datetime.now(datetime.UTC)
        rollback = Rollback(version=next_version(base), source=source, replaced=replaced, time=now)
        before = read_rollbacks(base)
        _write(base, [*before, rollback])
        publish(base / str(source), base, rollback.version)
        done = rollback.model_copy(update={"done": True})
        _write(base, [*before, done])
    return done


def original(version: int, rollbacks: Iterable[Rollback]) -> int:
    """The version that a run once pushed, of which `version` is a copy, or itself."""
    sources = {rollback.version: rollback.source for rollback in rollbacks}
    while version in sources:
        version = sources[version]
    return version


def withdrawn_versions(rollbacks: Iterable[Rollback]) -> set[int]:
    """Versions, as they were once pushed, that were rolled back from and not made the newest again."""
    known = list(rollbacks)
    withdrawn: set[int] = set()
    for rollback in known:
        source, replaced = original(rollback.source, known), original(rollback.replaced, known)
        withdrawn.discard(source)
        if source < replaced:
            withdrawn.add(replaced)
    return withdrawn


def _read(base: Path) -> list[Rollback]:
    file = base / FILE
    try:
        return _RECORD.validate_json(file.read_bytes())
    except FileNotFoundError:
        return []
    except (OSError, ValidationError) as error:
        raise UserError(f"{file}: the record of rollbacks cannot be read: {str(error).splitlines()[0]}") from error


def _write(base: Path, rollbacks: list[Rollback]) -> None:
    write_whole(base / FILE, _RECORD.dump_json(rollbacks, indent=1).decode())
