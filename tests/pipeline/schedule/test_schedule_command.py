"""Real schedules by the second. The runs are real `anchorline run`s that never get past loading their data."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.command_line import anchorline, start
from tests.pipeline.schedule.receiver import Receiver

CONFIG = "name: slow\ndata: {path: nothing, loader: load.py}\n"

LOADER = """
import os, time
from pathlib import Path

def load(folder):
    marks = Path(__file__).with_name("marks")
    with marks.open("a") as file:
        print("begin", os.getpid(), time.time(), file=file, flush=True)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and not marks.with_name("release").exists():
            time.sleep(0.02)
        print("end", os.getpid(), time.time(), file=file, flush=True)
    raise ValueError("no rows today")
"""

EVERY_SECOND = ("--cron", "* * * * * *")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A pipeline whose runs take two seconds each, before they fail."""
    file = tmp_path / "slow.yaml"
    file.write_text(CONFIG, encoding="utf-8")
    _let_runs_take(file, 2)
    return file


def _let_runs_take(config: Path, seconds: float) -> None:
    config.with_name("load.py").write_text(LOADER.replace("SECONDS", str(seconds)), encoding="utf-8")


@contextmanager
def scheduled(*arguments: str | Path, new_session: bool = False) -> Iterator[subprocess.Popen[str]]:
    """`anchorline schedule`, which does not outlive a test that fails."""
    with start("schedule", *arguments, new_session=new_session) as process:
        try:
            yield process
        finally:
            process.kill()


def marks(config: Path) -> list[tuple[str, int, float]]:
    file = config.with_name("marks")
    lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    return [(word, int(pid), float(moment)) for word, pid, moment in lines]


def begun(config: Path) -> int:
    return sum(word == "begin" for word, _, _ in marks(config))


def log(config: Path) -> list[dict[str, Any]]:
    file = config.parent / "out" / "slow" / "schedule" / "runs.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def state(config: Path) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads((config.parent / "out" / "slow" / "schedule" / "state.json").read_bytes())
    return kept


def wait_for(moment: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while not moment():
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def assert_never_two_at_once(config: Path) -> None:
    words = [word for word, _, _ in marks(config)]
    assert words == ["begin", "end"] * (len(words) // 2)


def test_never_two_at_once_and_ctrl_c_waits_for_the_run(config: Path) -> None:
    command: list[str | Path] = [config, *EVERY_SECOND, "--webhook"]
    with Receiver(failures=1) as receiver, scheduled(*command, receiver.url, new_session=True) as kept:
        wait_for(lambda: begun(config) == 2, kept)
        os.killpg(kept.pid, signal.SIGINT)  # as a terminal does, to all that it started
        output, _ = kept.communicate(timeout=30)
    assert kept.returncode == 0, output
    assert begun(config) == 2
    assert_never_two_at_once(config)
    first, second = log(config)
    assert (first["pipeline"], first["exit_code"], first["outcome"], first["pushed"]) == ("slow", 1, "failed", None)
    assert first["error"].endswith("load.py (data.loader) failed in line 13: ValueError: no rows today")
    due, begin, end = (datetime.fromisoformat(first[key]) for key in ("due", "start", "end"))
    assert timedelta(0) <= begin - due < timedelta(seconds=1)
    assert end - begin >= timedelta(seconds=2)
    # What came due while the first run went on is one run, late and right after it.
    assert timedelta(0) < datetime.fromisoformat(second["due"]) - begin <= timedelta(seconds=1)
    assert timedelta(0) <= datetime.fromisoformat(second["start"]) - end < timedelta(seconds=1)
    assert [json.loads(line) for line in output.splitlines() if line.startswith("{")] == [first, second]
    assert "stops when the run has ended" in output
    # The first POST was answered 503 and sent again.
    assert sorted((body["due"], body["error"]) for body in receiver.bodies) == sorted(
        (record["due"], record["error"]) for record in (first, first, second)
    )
    assert receiver.bodies[0]["text"] == f"Anchorline: slow was not pushed: {first['error']}"


def test_what_a_killed_schedule_left_is_made_up_for(config: Path) -> None:
    with scheduled(config, "--cron", "*/30 * * * * *", "--timezone", "Europe/Stockholm") as kept:
        wait_for((config.parent / "out" / "slow" / "schedule" / "state.json").exists, kept)
        kept.kill()
    a_day_ago = (datetime.fromisoformat(state(config)["since"]) - timedelta(days=1)).isoformat()
    missed = state(config) | {"since": a_day_ago}
    (config.parent / "out" / "slow" / "schedule" / "state.json").write_text(json.dumps(missed), encoding="utf-8")

    _let_runs_take(config, 60)
    with scheduled(config) as kept:  # goes on with the same expression
        wait_for(lambda: begun(config) == 1, kept)
        kept.kill()  # and so is not there when its run ends
    busy = anchorline("run", config)
    assert busy.returncode == 75
    assert busy.stderr.rstrip().endswith("is running this pipeline")

    with scheduled(config) as kept:
        assert kept.stdout is not None
        while "another run of this pipeline is going on" not in (line := kept.stdout.readline()):
            assert line
        config.with_name("release").touch()
        wait_for(lambda: begun(config) == 2, kept)
        kept.send_signal(signal.SIGINT)
        output, _ = kept.communicate(timeout=30)
    assert kept.returncode == 0, output
    assert_never_two_at_once(config)
    (record,) = log(config)  # of two thousand missed, one; and its due time is the first that nothing was done about
    assert (
        timedelta(0)
        < datetime.fromisoformat(record["due"]) - datetime.fromisoformat(a_day_ago)
        <= timedelta(seconds=30)
    )
    assert state(config) == missed | {"since": record["start"]}


def test_a_second_signal_interrupts_the_run_and_a_restart_takes_it_up(config: Path) -> None:
    _let_runs_take(config, 60)
    with scheduled(config, *EVERY_SECOND) as kept:
        wait_for(lambda: begun(config) == 1, kept)
        before = state(config)
        other = anchorline("schedule", config, *EVERY_SECOND)
        assert (other.returncode, other.stderr.count("\n")) == (75, 1)
        assert f"process {kept.pid} schedules this pipeline" in other.stderr
        kept.send_signal(signal.SIGTERM)
        time.sleep(0.5)  # two at one moment may be taken for one
        kept.send_signal(signal.SIGINT)
        output, _ = kept.communicate(timeout=30)
    assert kept.returncode == 0, output
    (record,) = log(config)
    assert (record["exit_code"], record["error"]) == (130, "interrupted")
    assert state(config) == before


def test_a_run_that_is_killed_is_told_and_the_schedule_goes_on(config: Path) -> None:
    _let_runs_take(config, 60)
    with scheduled(config, *EVERY_SECOND) as kept:
        wait_for(lambda: begun(config) == 1, kept)
        os.kill(marks(config)[0][1], signal.SIGSEGV)
        _let_runs_take(config, 0.1)
        wait_for(lambda: begun(config) >= 2, kept)
        kept.send_signal(signal.SIGTERM)
        kept.communicate(timeout=30)
    first, second, *_ = log(config)
    assert first["exit_code"] == -signal.SIGSEGV
    assert "the run was ended by signal 11 (Segmentation fault); see " in first["error"]
    assert "no rows today" in second["error"]


def test_a_clock_that_was_set_back_stops_no_schedule(config: Path) -> None:
    _let_runs_take(config, 0)
    ahead = {"cron": EVERY_SECOND[1], "timezone": None, "since": "2199-01-01T00:00:00Z"}
    folder = config.parent / "out" / "slow" / "schedule"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(json.dumps(ahead), encoding="utf-8")
    with scheduled(config) as kept:
        wait_for(lambda: begun(config) >= 1, kept)
        kept.send_signal(signal.SIGTERM)
        kept.communicate(timeout=30)
    assert state(config)["since"] < "2199"


def test_once_is_one_run_with_its_code_and_its_line(config: Path) -> None:
    _let_runs_take(config, 0)
    done = anchorline("schedule", config, "--once")
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert [json.loads(line)] == log(config)
    assert json.loads(line)["exit_code"] == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--cron", "0 25 * * *"], "error: --cron '0 25 * * *': hour 25 is not allowed; 0 to 23 are"),
        (["--cron", "0 0 30 2 *"], "error: --cron '0 0 30 2 *': there is no such date"),
        (["--cron", "@daily", "--timezone", "Mars"], "error: --timezone Mars: there is no such time zone"),
        (["--cron", "@daily", "--webhook", "file:///etc"], "error: --webhook: must be an address that begins with"),
        (["--cron", "@daily", "--set", "seed=x"], "seed: got 'x'"),
        ([], "error: there is no schedule to go on with; give one, as in --cron '0 3 * * *'"),
        (["--systemd"], "error: there is no schedule to go on with"),
    ],
)
def test_what_is_wrong_is_one_sentence(config: Path, arguments: list[str], sentence: str) -> None:
    done = anchorline("schedule", config, *arguments)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert not (config.parent / "out" / "slow" / "schedule").exists()
