"""What a schedule must know after a restart: when it is due, and up to when that has been seen to.

A file of JSON, replaced by one rename; APScheduler's own job stores pickle whole jobs for the sake of these values.
"""

import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from components.errors import UserError
from serving.whole_file import write_whole


class State(BaseModel):
    """A schedule and how far it has come."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cron: str
    timezone: str | None
    """IANA name; none is the machine's."""
    since: AwareDatetime
    """What was due up to here is done; what came due later is not."""

    def write(self, file: Path) -> None:
        """Replace the file."""
        write_whole(file, self.model_dump_json(indent=1) + "\n")


def read_state(file: Path) -> State | None:
    """What a schedule left; none where there was none.

    Raises:
        UserError: the file is not one of ours.
    """
    try:
        return State.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        raise UserError(f"{file}: cannot be read as the state of a schedule; remove it to begin anew") from None


def resume(kept: State | None, cron: str | None, timezone: str | None) -> State:
    """The schedule to keep: what was given, or what was kept where nothing is given or it is the same.

    Raises:
        UserError: neither says when.
    """
    if cron is None:
        if kept is None:
            raise UserError("there is no schedule to go on with; give one, as in --cron '0 3 * * *'")
        cron, timezone = kept.cron, timezone or kept.timezone
    if kept is not None and (kept.cron, kept.timezone) == (cron, timezone):
        return kept
    return State(cron=cron, timezone=timezone, since=datetime.datetime.now(datetime.UTC))
