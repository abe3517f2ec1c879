"""`python -m serving.with_parent PARENT PROGRAM ARGUMENT …`: becomes a program that ends with process PARENT (Linux).

For programs that cannot ask for it themselves. The kernel counts the *thread* that started this process as its parent.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tell the kernel, then become the program; what was told outlasts that. Raises OSError if the kernel refuses."""
    parent, arguments = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM.value):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit(0)  # it had ended before the kernel was told
    try:
        os.execv(arguments[0], arguments)  # noqa: S606  no shell is wanted
    except OSError as error:
        sys.exit(f"{arguments[0]} cannot be run: {error.strerror}")


if __name__ == "__main__":
    main()
