"""Ending with the process that started this one, however that one ends (Linux)."""

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1

# Not SIGTERM: the kernel sends the signal when the parent's *thread* ends, and then it must be possible to carry on.
_SIGNAL = signal.SIGUSR2


def die_with_parent(stop: Callable[[], None]) -> None:
    """Call `stop` in the main thread as soon as the parent process is gone. Raises OSError if the kernel refuses."""
    parent = os.getppid()

    def stop_if_orphaned(_number: int = 0, _frame: object = None) -> None:
        if os.getppid() != parent:
            stop()

    signal.signal(_SIGNAL, stop_if_orphaned)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, _SIGNAL.value):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    stop_if_orphaned()  # it may have ended before the kernel was told
