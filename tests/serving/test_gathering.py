"""When the next run begins: a busy event loop gets larger runs rather than more."""

import asyncio
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from serving.server import gathering
from serving.server.batching import Batcher
from serving.server.batching_parameters import Batching
from serving.server.gathering import Gathering
from serving.server.signature import Signature, TensorSpec
from tests.serving.test_batching import Runs

ECHO = Signature("s", "", {"x": TensorSpec("x:0", 1, (None,))}, {"y": TensorSpec("y:0", 1, (None,))})
BUSY = 5e-5
"""Seconds of a turn that does something."""


class Clock:
    """Stands still unless it is moved, or is to take a step whenever it is looked at."""

    def __init__(self) -> None:
        self.now, self.step = 100.0, 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(gathering, "time", SimpleNamespace(monotonic=clock))
    return clock


def rows_of(runs: Runs) -> list[int]:
    return [len(rows) for _, rows in runs.inputs]


def submit(batcher: Batcher, rows: int = 1, signature: Signature = ECHO) -> asyncio.Future[Any]:
    return batcher.submit(signature, ("y",), [np.zeros(rows, np.float32)])


def test_it_ends_with_a_turn_that_has_nothing_to_do(clock: Clock) -> None:
    begun = Gathering()
    for _ in range(3):
        clock.now += BUSY
        assert begun.goes_on(1.0)
    clock.now += 1e-6
    assert not begun.goes_on(1.0)


def test_it_ends_when_the_time_is_up(clock: Clock) -> None:
    begun = Gathering()
    clock.now += 0.4
    assert begun.goes_on(0.5)
    clock.now += 0.2
    assert not begun.goes_on(0.5)


def one_in_each_turn(
    clock: Clock, turn_seconds: float, *, signature: Signature = ECHO, run_seconds: float = 1.0, **batching: Any
) -> list[int]:
    """The rows of each run, where requests come one in each of eight turns that take so long."""
    runs = Runs()
    runs.may_go_on.set()

    async def main() -> None:
        made = Batcher(runs, "test", Batching(**batching))
        made._waiting.run_seconds = run_seconds
        answers = []
        for _ in range(8):
            answers.append(submit(made, signature=signature))
            clock.now += turn_seconds
            await asyncio.sleep(0)
        await asyncio.gather(*answers)
        await made.close()

    asyncio.run(main())
    return rows_of(runs)


def test_a_busy_loop_gets_one_run(clock: Clock) -> None:
    assert one_in_each_turn(clock, BUSY) == [8]


def test_an_idle_loop_is_not_waited_for(clock: Clock) -> None:
    assert one_in_each_turn(clock, 0.0)[0] == 2, "what came in the turn that had to be seen"


@pytest.mark.parametrize(("turn_seconds", "run_seconds"), [(0.4e-3, 1.0), (BUSY, 3 * BUSY)], ids=["most", "part"])
def test_a_busy_loop_is_waited_for_no_longer_than_it_is_worth(
    clock: Clock, turn_seconds: float, run_seconds: float
) -> None:
    assert one_in_each_turn(clock, turn_seconds, run_seconds=run_seconds)[0] < 5


@pytest.mark.parametrize("batching", [{"max_run_rows": 4}, {"max_waiting_rows": 4}], ids=["run", "queue"])
def test_what_is_full_is_not_kept(clock: Clock, batching: dict[str, Any]) -> None:
    assert one_in_each_turn(clock, BUSY, **batching)[0] == 4


ALONE = Signature("alone", "", ECHO.inputs, {"y": TensorSpec("y:0", 1, (None, None))})


@pytest.mark.parametrize(
    ("signature", "batching"),
    [(ALONE, {}), (ECHO, {"max_run_rows": 1}), (ECHO, {"wait_seconds": 1e-9})],
    ids=["signature", "one row", "timer"],
)
def test_nobody_is_kept_for_company_that_cannot_be_had(
    clock: Clock, signature: Signature, batching: dict[str, Any]
) -> None:
    assert one_in_each_turn(clock, BUSY, signature=signature, **batching)[0] == 1


def test_who_closes_does_not_wait(clock: Clock) -> None:
    runs = Runs()

    async def main() -> Any:
        batcher = Batcher(runs, "test")
        batcher._waiting.run_seconds = 1.0
        answer = submit(batcher)
        clock.step = BUSY
        for _ in range(3):
            await asyncio.sleep(0)
        assert not batcher._running
        closing = asyncio.ensure_future(batcher.close())
        await asyncio.sleep(0)
        assert runs.started.wait(20), "while the event loop stands still"
        runs.may_go_on.set()
        await closing
        return answer.result()

    assert asyncio.run(main())[0].tolist() == [0.0]


def held(first: int, waiting: int, look: Callable[[Runs], Any]) -> Any:
    """What `look` sees of the runs while the event loop stands still, after one of `first` rows has ended."""
    runs = Runs()

    async def main() -> Any:
        batcher = Batcher(runs, "test")
        answers = [submit(batcher, first)]
        await asyncio.to_thread(runs.started.wait, 20)
        answers += [submit(batcher) for _ in range(waiting)]
        runs.may_go_on.set()
        seen = look(runs)
        await asyncio.gather(*answers)
        await batcher.close()
        return seen

    return asyncio.run(main())


@pytest.mark.parametrize(("first", "waiting"), [(8, 6), (1000, 16)], ids=["rows", "half a full run"])
def test_a_run_follows_at_once_if_enough_rows_wait(first: int, waiting: int) -> None:
    def second(runs: Runs) -> int:
        deadline = time.monotonic() + 20
        while len(runs.inputs) < 2 and time.monotonic() < deadline:
            time.sleep(0.001)
        return rows_of(runs)[1]

    assert held(first, waiting, second) == waiting


@pytest.mark.parametrize(("first", "waiting"), [(8, 5), (1000, 15)], ids=["rows", "half a full run"])
def test_fewer_rows_leave_the_loop_time_to_bring_more(first: int, waiting: int) -> None:
    def later(runs: Runs) -> list[int]:
        time.sleep(0.2)
        return rows_of(runs)

    assert held(first, waiting, later) == [first]


def test_after_a_large_request_the_next_run_comes_before_its_answer() -> None:
    followed = threading.Event()

    def compute(_: str, arrays: list[np.ndarray]) -> list[np.ndarray]:
        if len(arrays[0]) == 1:
            followed.set()
        return arrays

    runs = Runs(compute)

    async def main() -> bool:
        batcher = Batcher(runs, "test")
        large = submit(batcher, 1000)
        seen: list[bool] = []
        large.add_done_callback(lambda _: seen.append(followed.wait(20)))  # as if the answer took long to send
        await asyncio.to_thread(runs.started.wait, 20)
        small = submit(batcher)
        runs.may_go_on.set()
        await asyncio.gather(large, small)
        await batcher.close()
        return seen[0]

    assert asyncio.run(main())
    assert rows_of(runs) == [1000, 1]
