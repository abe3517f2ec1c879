"""What a command costs: seconds, processor time and memory of it and of all processes it starts (Linux)."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

INTERVAL = 0.2
"""Seconds between two looks at the memory."""

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PARENT, _TIMES = 1, slice(11, 15)  # fields of /proc/PID/stat behind the name
_OWN, _MAPPED = "RssAnon", "RssFile"  # lines of /proc/PID/status, in KiB


class CommandError(Exception):
    """A measured command failed; the text has the end of what it wrote."""


class Look(NamedTuple):
    """What a process and its descendants have used up to now."""

    when: float
    """Seconds since the epoch."""
    processor: float
    """Seconds of user and system time, those of waited-for children included."""
    memory: int
    """Bytes of resident memory: what is each process's own, and once, of the process that has most, the files they have
    mapped; libraries like TensorFlow's, which is half a gigabyte, are in memory but once."""


@dataclass(frozen=True)
class Usage:
    """What one run of a command took."""

    started: float
    """Seconds since the epoch."""
    seconds: float
    looks: list[Look]

    @property
    def ended(self) -> float:
        """Seconds since the epoch."""
        return self.started + self.seconds

    def processor(self, begin: float, end: float) -> float:
        """Processor seconds used between two times; unlike seconds they hardly grow when others use the machine."""
        when = [self.started, *(look.when for look in self.looks)]
        used = [0.0, *(look.processor for look in self.looks)]
        return float(np.interp(end, when, used) - np.interp(begin, when, used))

    def peak(self, begin: float, end: float) -> int:
        """Most memory held at any look between two times; 0 where there was none."""
        return max((look.memory for look in self.looks if begin <= look.when <= end), default=0)


def measure(command: Sequence[str], log: Path, temporary: Path) -> Usage:
    """Run a command to its end; what it prints goes to the file `log`.

    `temporary` is the folder for its temporary files, because TFX leaves some behind: a copy of itself for each step
    that runs Beam.

    Raises:
        CommandError: it ends with a code other than 0.
    """
    started, start = time.time(), time.monotonic()
    looks = []
    environment = os.environ | {"TMPDIR": str(temporary)}
    with (
        log.open("wb") as file,
        subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment) as process,
    ):
        while True:
            try:
                code = process.wait(INTERVAL)
                break
            except subprocess.TimeoutExpired:
                looks.append(look_at(process.pid))
    if code:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
        raise CommandError(f"{' '.join(command)} ended with code {code}:\n{tail}")
    return Usage(started, time.monotonic() - start, looks)


def look_at(root: int) -> Look:
    """Look at a process and its descendants, as far as they still live."""
    children: dict[int, list[int]] = {}
    used: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
        children.setdefault(int(fields[_PARENT]), []).append(int(folder.name))
        used[int(folder.name)] = sum(map(int, fields[_TIMES]))
    family = [root]
    for one in family:
        family += children.get(one, [])
    memory = [_memory(one) for one in family]
    return Look(
        when=time.time(),
        processor=sum(used.get(one, 0) for one in family) * _TICK,
        memory=sum(own for own, _ in memory) + max(mapped for _, mapped in memory),
    )


def _memory(process: int) -> tuple[int, int]:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0
    values = {name: value for name, _, value in (line.partition(":") for line in lines)}
    own, mapped = (int(values.get(name, "0 kB").split()[0]) * 1024 for name in (_OWN, _MAPPED))  # a zombie has none
    return own, mapped
