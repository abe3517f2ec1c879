"""Ctrl-C that cannot be lost: libraries swallow or rename the exception, the signal is remembered."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from components.errors import UserError


class InterruptError(UserError):
    """The user pressed Ctrl-C."""

    exit_code = 130


class Interrupts:
    """Whether SIGINT came."""

    came = False

    def check(self) -> None:
        """Raise InterruptError if it did."""
        if self.came:
            raise InterruptError("interrupted; the next run goes on from the last finished step")


@contextmanager
def remembered_interrupts() -> Iterator[Interrupts]:
    """Inside the block SIGINT raises KeyboardInterrupt as ever, and is remembered."""
    interrupts = Interrupts()

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        interrupts.came = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)
