"""A schedule as a service and a timer of systemd, which then keeps the time and survives restarts."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.schedule.cron import Cron

_TEXT = """\
# {folder}/anchorline-{name}.service
[Unit]
Description=Anchorline: a run of {name}

[Service]
Type=oneshot
WorkingDirectory={working}
ExecStart={command}
# A run that is interrupted goes on from its last finished step.
KillSignal=SIGINT
TimeoutStopSec=2min

# {folder}/anchorline-{name}.timer
[Unit]
Description=Anchorline: runs of {name} at {cron}

[Timer]
{times}
# What was missed while the machine was off is made up for by one run.
Persistent=true
AccuracySec=1s

[Install]
WantedBy=timers.target

# Then: systemctl --user daemon-reload && systemctl --user enable --now anchorline-{name}.timer
# Without anyone logged in it runs after: loginctl enable-linger
"""


def units(name: str, command: Sequence[str], working: Path, cron: Cron, zone: str | None) -> str:
    """Both files, each under a comment with its path, and what to do with them.

    Args:
        name: of the pipeline.
        command: what the service runs; its first word is an absolute path.
        working: working directory.
        cron: when.
        zone: IANA name of a time zone; none is the machine's.
    """
    return _TEXT.format(
        folder="~/.config/systemd/user",
        name=name,
        working=str(working).replace("%", "%%"),
        command=" ".join(map(_quoted, command)),
        cron=cron.text.replace("%", "%%"),
        times="\n".join(f"OnCalendar={line}" for line in cron.on_calendar(zone)),
    )


def _quoted(word: str) -> str:
    """A word as systemd reads it back: quotes, backslashes, specifiers and variables mean themselves."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$").replace("\n", "\\n")
    return f'"{escaped}"' if escaped != word or not word or set(word) & set(" \t;'") else word
