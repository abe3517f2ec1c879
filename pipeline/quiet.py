"""The screen is the user's: a spinner while something takes long; what TensorFlow, Beam and TFX log goes to a file."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner


def waiting(console: Console, text: str) -> Live:
    """A spinner beside `text` for as long as the block runs; on a terminal only.

    Unlike rich's own status it leaves `sys.stderr` alone, where others' logs go past it.
    """
    spinner = Spinner("dots", f"[bold]{text}[/]")
    return Live(spinner, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)


@contextmanager
def chatter_to(log: Path | None) -> Iterator[TextIO]:
    """Send file descriptor 2, which C++ code writes to as well, to a log file.

    Args:
        log: the file, overwritten; none leaves everything on the screen.

    Yields:
        The real standard error, for what the user should see.
    """
    if log is None:
        yield sys.stderr
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stderr.flush()
    screen = os.dup(2)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    try:
        with os.fdopen(screen, "w", closefd=False) as stderr:
            yield stderr
    finally:
        sys.stderr.flush()
        os.dup2(screen, 2)
        os.close(screen)
