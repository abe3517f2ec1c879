"""SIGINT and SIGTERM as something to wait for, beside the clock and the end of a process."""

import os
import select
import signal
from types import FrameType
from typing import Any, Self

STOPPING = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """Counts the signals that ask for an end; in a `with` block they interrupt nothing but `wait`."""

    count = 0

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wakeup_before = signal.set_wakeup_fd(self._write)
        self._before: dict[int, Any] = {number: signal.signal(number, self._handle) for number in STOPPING}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._read)
        os.close(self._write)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.count += 1

    def wait(self, seconds: float | None, process: int | None = None) -> None:
        """Until a signal comes, the time is over (none never is) or a process ends, whichever is first.

        Args:
            seconds: by the clock that stands still while the machine sleeps.
            process: its pidfd.
        """
        ready, _, _ = select.select([self._read, *([process] if process is not None else [])], [], [], seconds)
        if self._read in ready:
            os.read(self._read, 64)
