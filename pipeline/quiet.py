"""The screen is the user's: a spinner while something takes long; what TensorFlow, Beam and TFX log goes to a file."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner

from components.errors import UserError


def waiting(console: Console, text: str) -> Live:
    """A spinner beside `text` for as long as the block runs; on a terminal only.

    Unlike rich's own status it leaves `sys.stderr` alone, where others' logs go past it.
    """
    spinner = Spinner("dots", f"[bold]{text}[/]")
    return Live(spinner, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)


@contextmanager
def chatter_to(log: Path | None) -> Iterator[None]:
    """Send file descriptor 2, which C++ code and child processes write to as well, to a log file.

    Args:
        log: the file, overwritten; none leaves everything on the screen.

    Raises:
        UserError: the file cannot be written.
    """
    if log is None:
        yield
        return
    sys.stderr.flush()
    screen = os.dup(2)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as file:
            os.dup2(file.fileno(), 2)
    except OSError as error:
        os.close(screen)
        raise UserError(f"{log}: cannot be written: {error.strerror}") from None
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(screen, 2)
        os.close(screen)
