"""A step's command as a process, as KFP's launcher runs it in a container."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.errors import UserError

TAIL = 20
"""Lines of a failed step's log that are shown."""
_GRACE = 10.0

Json = dict[str, Any]


class StepFailedError(UserError):
    """A step ended with an error; the text names it and ends with the last lines of its log."""

    def __init__(self, step: str, how: str, log: Path) -> None:
        super().__init__(f"step {step} failed ({how}); the whole story is in {log}, its last lines:\n{tail(log)}")


def fill(command: Sequence[str], executor_input: Json) -> list[str]:
    """A container's command and arguments with the executor input in the place of its placeholder."""
    text = json.dumps(executor_input)
    return [part.replace("{{$}}", text) for part in command]


def run_process(step: str, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
    """Run one command to its end.

    Args:
        step: what it is, for the error.
        command: program and arguments; `python` is the interpreter that runs this.
        environment: in addition to this process's own.
        log: file for all it writes.

    Raises:
        StepFailedError: it ended with another code than 0, or by a signal.
    """
    program = [sys.executable, *command[1:]] if command[0] == "python" else list(command)
    with log.open("wb") as stream:
        process = subprocess.Popen(
            program, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL, env=os.environ | environment
        )
        try:
            code = process.wait()
        finally:
            _stop(process)
    if code:
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        raise StepFailedError(step, how, log)


def tail(log: Path) -> str:
    """The last lines of a log, indented."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:]
    return "\n".join(f"  {line}" for line in lines)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that is still there because this one is about to end."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
