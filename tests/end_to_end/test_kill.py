"""A run that is killed at any step leaves nothing half-pushed, and the next one goes on."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.command_line import anchorline, start, versions

pytestmark = pytest.mark.end_to_end

MODEL_FILES = {"saved_model.pb", "fingerprint.pb", "variables/variables.index"}


def complete(version: Path) -> bool:
    return all((version / name).exists() for name in MODEL_FILES)


def kill_when(process: subprocess.Popen[str], moment: Callable[[], bool]) -> bool:
    """SIGKILL as soon as `moment` is true; whether it came before the process ended by itself."""
    deadline = time.monotonic() + 120
    while not moment():
        if process.poll() is not None or time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return True


def test_kill_at_every_step(small_config: Path) -> None:
    output = small_config.parent / "out" / "small"
    serving = output / "serving" / "small"
    # TFX makes a step's folder right before its work; the push is caught in the middle of its copy.
    moments = {step: (output / "artifacts" / step).exists for step in ("transform", "train", "evaluate")}
    moments["push"] = (serving / ".incoming").exists
    for step, moment in moments.items():
        with start("run", small_config) as process:
            killed = kill_when(process, moment)
        assert killed, f"the run ended before {step} began"
        assert [name for name in versions(serving) if not name.startswith(".")] == []
    finished = anchorline("run", small_config)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    (version,) = versions(serving)
    assert complete(serving / version)
    listed = anchorline("runs", small_config).stdout
    for step in moments:
        assert f"stopped in {step}" in listed


def test_interrupt_is_one_sentence(small_config: Path) -> None:
    statistics = small_config.parent / "out" / "small" / "artifacts" / "statistics"
    with start("run", small_config) as process:
        while not statistics.exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert output.splitlines()[-1] == "error: interrupted; the next run goes on from the last finished step"
    assert "Traceback" not in output
