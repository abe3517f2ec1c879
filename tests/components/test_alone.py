"""One at a time, whoever waits, whatever lies there."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from components.alone import alone


def test_threads_take_turns_and_nothing_is_left(tmp_path: Path) -> None:
    file, inside, most = tmp_path / "deep" / ".lock", [], []

    def enter(number: int) -> None:
        with alone(file):
            inside.append(number)
            most.append(len(inside))
            threading.Event().wait(0.002)
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(enter, range(40)))
    assert most == [1] * 40
    assert list(file.parent.iterdir()) == []


def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    with alone(tmp_path / ".lock"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_error_lets_go(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), alone(tmp_path / ".lock"):
        raise RuntimeError
    with alone(tmp_path / ".lock"):
        pass
