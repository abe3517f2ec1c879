import fcntl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from components.errors import UserError
from pipeline.lock import BusyError, is_locked, run_lock, schedule_lock

HOLD = """
import sys
from pathlib import Path
from pipeline.lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_is_named_and_its_death_frees_the_lock(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_locked(tmp_path)
        with pytest.raises(BusyError, match=f"process {holder.pid} is running this pipeline"), run_lock(tmp_path):
            pytest.fail("two processes hold the lock")
        holder.kill()
        holder.wait()
        assert not is_locked(tmp_path)
        with run_lock(tmp_path):
            pass


def test_whoever_looks_whether_it_is_locked_locks_nobody_out(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    with (tmp_path / ".lock").open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        threading.Timer(0.1, fcntl.flock, (looking, fcntl.LOCK_UN)).start()
        with run_lock(tmp_path):
            assert is_locked(tmp_path)


def test_a_schedule_and_a_run_do_not_lock_each_other_out(tmp_path: Path) -> None:
    busy = pytest.raises(BusyError, match="schedules this pipeline")
    with schedule_lock(tmp_path), run_lock(tmp_path), busy, schedule_lock(tmp_path):
        pytest.fail("two processes keep one schedule")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match="file/out: cannot be written: Not a directory"),
        run_lock(tmp_path / "file/out"),
    ):
        pytest.fail("there is no such folder")
