"""`anchorline rollback`: an earlier version becomes the newest one again."""

from collections.abc import Sequence

from rich.console import Console

from components.errors import UserError
from components.rollbacks import Rollback, original, read_rollbacks, roll_back
from components.versions import pushed_versions
from pipeline.config import PipelineConfig
from pipeline.history import read_runs
from pipeline.lock import run_lock


def rollback(config: PipelineConfig, version: int | None, console: Console) -> None:
    """Make a version the newest one by a copy with a new number; servers take it up as they do a push.

    Args:
        config: whose model.
        version: the version; none is the one before what is in production.
        console: where to say what was done.

    Raises:
        UserError: there is no such version, it is in production already, no run pushed it, or a run is going on.
    """
    base = config.serving_folder
    if not pushed_versions(base):
        raise UserError(f"{base}: no version was pushed yet; `anchorline run` makes one")
    with run_lock(config.output_folder):
        versions, rollbacks = pushed_versions(base), read_rollbacks(base)
        source = _previous(versions, rollbacks) if version is None else _checked(version, versions, rollbacks)
        _check_was_pushed(config, source, rollbacks)
        done = roll_back(base, source)
    console.print(
        f"[green]✓[/] version {done.version}, a copy of {done.source}, is in production in place of {done.replaced}",
        soft_wrap=True,
    )


def _previous(versions: Sequence[int], rollbacks: Sequence[Rollback]) -> int:
    """The version before the one whose copy, or which itself, is the newest."""
    serving = original(versions[-1], rollbacks)
    earlier = [version for version in versions if version < serving]
    if not earlier:
        which = f"{serving} is the oldest version" if len(versions) > 1 else f"{serving} is the only version"
        raise UserError(f"{which}; there is none before it to roll back to")
    return earlier[-1]


def _checked(version: int, versions: Sequence[int], rollbacks: Sequence[Rollback]) -> int:
    newest = versions[-1]
    if version not in versions:
        raise UserError(f"there is no version {version}; there are {', '.join(map(str, versions))}")
    if original(version, rollbacks) == original(newest, rollbacks):
        copy = f", as {newest}" if version != newest else ""
        raise UserError(f"version {version} is in production already{copy}")
    return version


def _check_was_pushed(config: PipelineConfig, version: int, rollbacks: Sequence[Rollback]) -> None:
    """Only what a run pushed has passed the gates and the serving check."""
    runs = read_runs(config.output_folder / "metadata.sqlite")
    passed = {served for run in runs for served in (run.facts.pushed, run.facts.unchanged)}
    if str(original(version, rollbacks)) not in passed:
        raise UserError(
            f"version {version} was pushed by no run of this pipeline; only what passed its gates is served"
        )
