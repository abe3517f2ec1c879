import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kubeflow.processes import StepFailedError, fill, run_process

WAITER = """
import sys
from pathlib import Path
from kubeflow.processes import run_process
code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
run_process("train", ["python", "-c", code], {}, Path(sys.argv[1]))
"""


def test_the_input_takes_the_place_of_the_placeholder_alone() -> None:
    command = ["python", "-m", "x", "{{$}}", '{"a":{"b":1}}']
    assert fill(command, {"inputs": {"é": 1}}) == ["python", "-m", "x", '{"inputs": {"\\u00e9": 1}}', '{"a":{"b":1}}']


def test_what_a_step_writes_is_in_its_log(tmp_path: Path) -> None:
    code = "import os, sys; print(os.environ['GIVEN'], sys.executable); print('and this', file=sys.stderr)"
    run_process("train", ["python", "-u", "-c", code], {"GIVEN": "in"}, tmp_path / "log")
    assert (tmp_path / "log").read_text() == f"in {sys.executable}\nand this\n"


def test_a_failed_step_is_named_with_the_last_lines_of_its_log(tmp_path: Path) -> None:
    code = "[print('line', i) for i in range(50)]; raise SystemExit(7)"
    with pytest.raises(StepFailedError) as failure:
        run_process("train", ["python", "-c", code], {}, tmp_path / "log")
    first, *lines = str(failure.value).splitlines()
    assert first == f"step train failed (exit code 7); the whole story is in {tmp_path}/log, its last lines:"
    assert lines == [f"  line {i}" for i in range(30, 50)]


def test_a_killed_step_is_told_by_its_signal(tmp_path: Path) -> None:
    with pytest.raises(StepFailedError, match=r"step train failed \(signal SIGKILL\)"):
        run_process("train", ["python", "-c", "import os; os.kill(os.getpid(), 9)"], {}, tmp_path / "log")


def test_a_step_does_not_outlive_an_interrupted_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with subprocess.Popen([sys.executable, "-c", WAITER, str(log)], stderr=subprocess.DEVNULL) as runner:
        while not (log.exists() and log.read_text().endswith("\n")):
            assert runner.poll() is None
            time.sleep(0.01)
        runner.send_signal(signal.SIGINT)  # to the runner alone, unlike Ctrl-C on a terminal
        assert runner.wait(30) != 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(log.read_text()), 0)
