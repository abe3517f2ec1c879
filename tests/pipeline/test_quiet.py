import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import UserError
from pipeline.quiet import chatter_to


def test_what_goes_to_descriptor_2_lands_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", os.fdopen(2, "w", closefd=False))  # pytest has its own in place
    log = tmp_path / "deep" / "run.log"
    with chatter_to(log):
        os.write(2, b"from C++\n")
        print("from Python", file=sys.stderr, flush=True)
        subprocess.run(["/bin/sh", "-c", "echo from a child >&2"], check=True)
    assert log.read_text().splitlines() == ["from C++", "from Python", "from a child"]


def test_the_screen_is_back_afterwards(tmp_path: Path) -> None:
    before = os.fstat(2)
    with chatter_to(tmp_path / "log"):
        assert not os.path.samestat(os.fstat(2), before)
    assert os.path.samestat(os.fstat(2), before)


def test_without_a_log_nothing_is_moved() -> None:
    before = os.fstat(2)
    with chatter_to(None):
        assert os.path.samestat(os.fstat(2), before)


def test_a_log_that_cannot_be_written_is_told_and_the_screen_stays(tmp_path: Path) -> None:
    before = os.fstat(2)
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match=r"file/run\.log: cannot be written: "),
        chatter_to(tmp_path / "file" / "run.log"),
    ):
        pass
    assert os.path.samestat(os.fstat(2), before)
