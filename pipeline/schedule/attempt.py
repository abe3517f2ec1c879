"""One scheduled run: `anchorline run` as a process of its own, and the line that is kept of it.

A process, so that TensorFlow's memory goes back when it ends and a crash of the run is not one of the schedule; in a
session of its own, so that Ctrl-C in a terminal reaches the schedule alone, which then decides.
"""

import datetime
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel, ValidationError

from pipeline.config import override_arguments
from pipeline.outcome import Outcome
from pipeline.schedule.signals import Signals

OUTCOME_FILE = "outcome.json"
SCREEN_FILE = "screen.log"

_ON_SIGNALS = (None, signal.SIGINT, signal.SIGKILL)
"""What the run is sent at the first, second and third signal to the schedule."""


class _When(BaseModel):
    pipeline: str
    due: datetime.datetime
    start: datetime.datetime
    end: datetime.datetime
    exit_code: int
    """Of `anchorline run`; minus the number of the signal that ended it."""


class Record(Outcome, _When):
    """One line of the log: what came of a run, and when."""


def attempt(
    command: Sequence[str],
    *,
    folder: Path,
    name: str,
    due: datetime.datetime,
    signals: Signals,
    say: Callable[[str], None],
) -> Record:
    """Run once and wait for the end.

    Args:
        command: `anchorline run …`, without `--json`.
        folder: where outcome and screen of the run are kept until the next.
        name: of the pipeline.
        due: when it should have started.
        signals: the first that comes is left for later, the second interrupts the run, the third kills it.
        say: is told of that.
    """
    folder.mkdir(parents=True, exist_ok=True)
    outcome_file, screen_file = folder / OUTCOME_FILE, folder / SCREEN_FILE
    outcome_file.unlink(missing_ok=True)
    start = datetime.datetime.now(datetime.UTC)
    with screen_file.open("wb") as screen:
        process = subprocess.Popen(
            [*command, "--json", str(outcome_file)],
            stdin=subprocess.DEVNULL,
            stdout=screen,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _wait(process, signals, say)
    end = datetime.datetime.now(datetime.UTC)
    outcome = _outcome(outcome_file) or _died(process.returncode, screen_file)
    return Record(pipeline=name, due=due, start=start, end=end, exit_code=process.returncode, **outcome.model_dump())


def run_command(config: Path, overrides: Sequence[str]) -> list[str]:
    """`anchorline run` with this interpreter, whatever the working directory holds."""
    return [sys.executable, "-P", "-m", "pipeline", "run", str(config), *override_arguments(overrides)]


def _wait(process: subprocess.Popen[bytes], signals: Signals, say: Callable[[str], None]) -> None:
    pidfd = os.pidfd_open(process.pid)
    try:
        seen = 0
        while process.poll() is None:
            signals.wait(None, pidfd)
            while seen < signals.count:
                _pass_on(process, _ON_SIGNALS[min(seen, len(_ON_SIGNALS) - 1)], say)
                seen += 1
    finally:
        os.close(pidfd)


def _pass_on(process: subprocess.Popen[bytes], number: signal.Signals | None, say: Callable[[str], None]) -> None:
    if number is None:
        say("stops when the run has ended; the same signal again interrupts the run")
    elif number == signal.SIGINT:
        say("interrupts the run; the same signal again kills it")
        process.send_signal(number)
    else:
        os.killpg(process.pid, number)


def _outcome(file: Path) -> Outcome | None:
    try:
        return Outcome.model_validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _died(code: int, screen: Path) -> Outcome:
    """What is known of a run that left no word."""
    if code < 0:
        why = f"was ended by signal {-code} ({signal.strsignal(-code)})"
    else:
        lines = [line for line in screen.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        why = f"ended with code {code}: {lines[-1].strip() if lines else 'it said nothing'}"
    return Outcome(outcome="failed", error=f"the run {why}; see {screen}")
