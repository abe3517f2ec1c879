"""What a command costs: seconds, processor time and memory of it and of all processes it starts (Linux)."""

import os
import resource
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

INTERVAL = 0.2
"""Seconds between two looks at the memory."""

_PAGE = os.sysconf("SC_PAGE_SIZE")
_PARENT, _RESIDENT = 1, 21  # fields of /proc/PID/stat behind the name


class CommandError(Exception):
    """A measured command failed; the text has the end of what it wrote."""


@dataclass(frozen=True)
class Usage:
    """What one run of a command took."""

    started: float
    """Seconds since the epoch."""
    seconds: float
    processor_seconds: float
    """User and system time; hardly grows when others use the machine, as seconds do."""
    memory: list[tuple[float, int]]
    """Seconds since the epoch, and bytes of resident memory summed over the processes (shared pages count in each)."""

    def peak(self, *, but: tuple[float, float] = (0.0, 0.0)) -> int:
        """Most memory held at any time outside the span `but`."""
        return max((size for when, size in self.memory if not but[0] <= when <= but[1]), default=0)


def measure(command: Sequence[str], log: Path) -> Usage:
    """Run a command to its end; what it prints goes to the file `log`.

    Raises:
        CommandError: it ends with a code other than 0.
    """
    started, start, processor = time.time(), time.monotonic(), _processor_seconds()
    memory = []
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT) as process:
        while True:
            try:
                code = process.wait(INTERVAL)
                break
            except subprocess.TimeoutExpired:
                memory.append((time.time(), resident(process.pid)))
    if code:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
        raise CommandError(f"{' '.join(command)} ended with code {code}:\n{tail}")
    return Usage(started, time.monotonic() - start, _processor_seconds() - processor, memory)


def resident(root: int) -> int:
    """Bytes of resident memory of a process and its descendants, as far as they still live."""
    children: dict[int, list[int]] = {}
    pages: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
        fields = stat.rpartition(")")[2].split()
        children.setdefault(int(fields[_PARENT]), []).append(int(folder.name))
        pages[int(folder.name)] = int(fields[_RESIDENT])
    total, waiting = 0, [root]
    while waiting:
        one = waiting.pop()
        total += pages.get(one, 0)
        waiting += children.get(one, [])
    return total * _PAGE


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
