"""Which requests share a run, and what each of them gets."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from serving.server import request_record
from serving.server.batching import Batcher
from serving.server.batching_parameters import Batching
from serving.server.errors import Code, StatusError
from serving.server.request_record import RequestRecord
from serving.server.signature import Signature, TensorSpec

Arrays = list[np.ndarray]


class Runs:
    """A model that records each run and holds the first one back until told to go on."""

    def __init__(self, compute: Callable[[str, Arrays], Arrays] | None = None):
        self.inputs: list[tuple[str, list[Any]]] = []
        self.started = threading.Event()
        self.may_go_on = threading.Event()
        self._compute = compute or (lambda _, arrays: [arrays[0] * 10])

    def __call__(self, signature: str, outputs: tuple[str, ...], arrays: Arrays) -> Arrays:
        assert outputs
        self.inputs.append((signature, arrays[0].tolist()))
        if not self.started.is_set():
            self.started.set()
            assert self.may_go_on.wait(20)
        return self._compute(signature, arrays)


def signature_of(array: np.ndarray, name: str, share: bool = True) -> Signature:
    """One that takes `array`, with any number of rows if it has some; its output tells whether runs may be shared."""
    taken = TensorSpec("x:0", 1, (None, *array.shape[1:]) if array.ndim else ())
    return Signature(name, "", {"x": taken}, {"y": TensorSpec("y:0", 1, (None,) if share else None)})


def with_one_running(runs: Runs, scenario: Callable[[Batcher], Awaitable[Any]], **settings: Any) -> Any:
    """Run `scenario`, which queues requests, while a first request (of signature "first") keeps the worker busy."""

    async def main() -> Any:
        batcher = Batcher(runs, "test", Batching(**settings))
        try:
            first = batcher.submit(signature_of(np.zeros(1), "first"), ("y",), [np.zeros(1)])
            await asyncio.to_thread(runs.started.wait, 20)
            return await scenario(batcher), await first
        finally:
            runs.may_go_on.set()
            await batcher.close()

    return asyncio.run(main())[0]


def queue(
    batcher: Batcher, *rows: Any, signature: str = "s", outputs: tuple[str, ...] = ("y",), share: bool = True
) -> Any:
    arrays = [np.array(row) for row in rows]
    return [batcher.submit(signature_of(array, signature, share), outputs, [array]) for array in arrays]


def test_what_waits_runs_together() -> None:
    runs = Runs()

    async def scenario(batcher: Batcher) -> Any:
        futures = queue(batcher, [1.0], [2.0, 3.0], [4.0])
        runs.may_go_on.set()
        return [result[0].tolist() for result in await asyncio.gather(*futures)]

    assert with_one_running(runs, scenario) == [[10.0], [20.0, 30.0], [40.0]]
    assert runs.inputs == [("first", [0.0]), ("s", [1.0, 2.0, 3.0, 4.0])]


def test_never_more_rows_than_allowed() -> None:
    runs = Runs()

    async def scenario(batcher: Batcher) -> Any:
        futures = queue(batcher, [1], [2, 3], [4], [5, 6, 7, 8], [9])
        runs.may_go_on.set()
        return [result[0].tolist() for result in await asyncio.gather(*futures)]

    assert with_one_running(runs, scenario, max_run_rows=3) == [[10], [20, 30], [40], [50, 60, 70, 80], [90]]
    assert [rows for _, rows in runs.inputs[1:]] == [[1, 2, 3], [4], [5, 6, 7, 8], [9]]


def test_different_requests_never_share() -> None:
    runs = Runs()

    async def scenario(batcher: Batcher) -> Any:
        futures = [
            *queue(batcher, [1.0]),
            *queue(batcher, [2.0], signature="other"),
            *queue(batcher, [3.0], outputs=("z",)),
            *queue(batcher, [[4.0, 5.0]]),
            *queue(batcher, [[6.0]]),
            *queue(batcher, [7]),
            *queue(batcher, [8.0], share=False),
            *queue(batcher, 9.0),
        ]
        runs.may_go_on.set()
        return [result[0].tolist() for result in await asyncio.gather(*futures)]

    expected = [[10.0], [20.0], [30.0], [[40.0, 50.0]], [[60.0]], [70], [80.0], 90.0]
    assert with_one_running(runs, scenario) == expected
    assert len(runs.inputs) == 1 + len(expected)


def test_kinds_take_turns() -> None:
    runs = Runs()

    async def scenario(batcher: Batcher) -> Any:
        futures = queue(batcher, [1], [2], [3]) + queue(batcher, [7], signature="other")
        runs.may_go_on.set()
        await asyncio.gather(*futures)

    with_one_running(runs, scenario, max_run_rows=2)
    assert runs.inputs[1:] == [("s", [1, 2]), ("other", [7]), ("s", [3])]


def test_one_that_fails_does_not_spoil_the_others() -> None:
    def compute(_: str, arrays: Arrays) -> Arrays:
        if (arrays[0] < 0).any():
            raise StatusError(Code.INVALID_ARGUMENT, f"negative: {arrays[0].tolist()}")
        return [arrays[0] + 1]

    runs = Runs(compute)

    async def scenario(batcher: Batcher) -> Any:
        futures = queue(batcher, [1], [-2], [3])
        runs.may_go_on.set()
        return await asyncio.gather(*futures, return_exceptions=True)

    left, wrong, right = with_one_running(runs, scenario)
    assert (left[0].tolist(), right[0].tolist()) == ([2], [4])
    assert isinstance(wrong, StatusError)
    assert wrong.message == "negative: [-2]"


def test_the_worker_survives_what_no_one_expected() -> None:
    def compute(_: str, arrays: Arrays) -> Arrays:
        if arrays[0].size > 1:
            raise MemoryError
        return [arrays[0] + 1]

    runs = Runs(compute)

    async def scenario(batcher: Batcher) -> Any:
        futures = queue(batcher, [1], [2], [5, 6])
        runs.may_go_on.set()
        return await asyncio.gather(*futures, return_exceptions=True)

    one, two, too_many = with_one_running(runs, scenario)
    assert (one[0].tolist(), two[0].tolist()) == ([2], [3])
    assert isinstance(too_many, MemoryError)


@pytest.mark.parametrize("compute", [lambda _, arrays: [arrays[0][1:]], lambda _, arrays: [arrays[0].sum()]])
def test_outputs_that_do_not_follow_the_rows_are_never_split(compute: Any) -> None:
    runs = Runs(compute)

    async def scenario(batcher: Batcher) -> Any:
        futures = queue(batcher, [1, 5], [2, 7])
        runs.may_go_on.set()
        results = await asyncio.gather(*futures)
        again = await asyncio.gather(*queue(batcher, [1, 5], [2, 7]))
        return [result[0].tolist() for result in (*results, *again)]

    expected = [compute("s", [np.array(rows)])[0].tolist() for rows in ([1, 5], [2, 7])]
    assert with_one_running(runs, scenario) == expected * 2
    assert [rows for _, rows in runs.inputs[1:]] == [[1, 5, 2, 7], [1, 5], [2, 7], [1, 5], [2, 7]]


def test_the_cancelled_are_not_run() -> None:
    runs = Runs()

    async def scenario(batcher: Batcher) -> Any:
        kept, dropped = queue(batcher, [1], [2])
        dropped.cancel()
        runs.may_go_on.set()
        return (await kept)[0].tolist()

    assert with_one_running(runs, scenario) == [10]
    assert runs.inputs[1:] == [("s", [1])]


def test_closing_finishes_what_is_queued() -> None:
    runs = Runs()

    async def scenario(batcher: Batcher) -> Any:
        futures = queue(batcher, [1], [2])
        closing = asyncio.create_task(batcher.close())
        runs.may_go_on.set()
        await closing
        with pytest.raises(RuntimeError, match="closed"):
            queue(batcher, [3])
        return [result[0].tolist() for result in await asyncio.gather(*futures)]

    assert with_one_running(runs, scenario) == [[10], [20]]


ROWS, WIDE, FREE, SCALAR, UNKNOWN = ((None,), (None, 64), (None, None), (), None)


@pytest.mark.parametrize(
    ("inputs", "outputs", "expected"),
    [
        ([ROWS], [WIDE, ROWS], True),
        ([FREE, ROWS], [WIDE], True),
        ([ROWS], [FREE], False),  # might be padded to the longest row
        ([SCALAR], [ROWS], False),
        ([ROWS], [SCALAR], False),
        ([ROWS], [UNKNOWN], False),
        ([UNKNOWN], [ROWS], False),
        ([(8,)], [ROWS], False),
        ([], [ROWS], False),
    ],
)
def test_which_signatures_can_share_runs(inputs: list[Any], outputs: list[Any], expected: bool) -> None:
    specs = [{str(number): TensorSpec("", 1, shape) for number, shape in enumerate(side)} for side in (inputs, outputs)]
    assert Signature("s", "", *specs).can_batch is expected


# --- deadlines --------------------------------------------------------------------------------------------------------


def submit_until(batcher: Batcher, seconds: float, row: float) -> Any:
    """Queue one row that must be answered within so many seconds."""
    request_record.current.set(RequestRecord("REST", "predict", "id", deadline=time.monotonic() + seconds))
    return queue(batcher, [row])[0]


def failing_together(running: threading.Event, failed: threading.Event) -> Runs:
    """Runs of one row succeed; one of several tells that it is `running` and fails once it is told that it has."""

    def compute(_: str, arrays: Arrays) -> Arrays:
        if arrays[0].size > 1:
            running.set()
            assert failed.wait(20)
            raise ValueError("together")
        return [arrays[0] * 10]

    return Runs(compute)


def test_what_would_be_too_late_is_not_run() -> None:
    runs = Runs()

    async def scenario(batcher: Batcher) -> Any:
        batcher._waiting.run_seconds = 0.3
        hopeless, other = submit_until(batcher, 1.0, 2.0), submit_until(batcher, 20.0, 3.0)
        await asyncio.sleep(0.5)
        runs.may_go_on.set()
        assert (await other)[0].tolist() == [30.0]
        return hopeless.exception()

    error = with_one_running(runs, scenario)
    assert (error.code, error.message) == (Code.DEADLINE_EXCEEDED, "Timed out waiting for notification")
    assert runs.inputs == [("first", [0.0]), ("s", [3.0])]


@pytest.mark.parametrize("way", ["gone", "late"])
def test_after_a_failed_run_what_nobody_waits_for_is_not_run_again(way: str) -> None:
    """The shared run fails when the client of the second request has gone, or its deadline has passed."""
    running, failed = threading.Event(), threading.Event()
    runs = failing_together(running, failed)

    async def scenario(batcher: Batcher) -> Any:
        first, other = submit_until(batcher, 20.0, 1.0), submit_until(batcher, 0.3 if way == "late" else 20.0, 2.0)
        last = submit_until(batcher, 20.0, 3.0)
        runs.may_go_on.set()
        await asyncio.to_thread(running.wait, 20)
        if way == "gone":
            other.cancel()
        ended = await asyncio.gather(other, return_exceptions=True)
        failed.set()
        return [(await first)[0].tolist(), (await last)[0].tolist(), *ended]

    one, three, error = with_one_running(runs, scenario)
    assert (one, three) == ([10.0], [30.0])
    assert isinstance(error, StatusError if way == "late" else asyncio.CancelledError)
    assert runs.inputs[1:] == [("s", [1.0, 2.0, 3.0]), ("s", [1.0]), ("s", [3.0])]


def test_one_that_would_be_late_by_the_time_it_has_run_alone_is_not_run() -> None:
    running, failed = threading.Event(), threading.Event()
    runs = failing_together(running, failed)

    async def scenario(batcher: Batcher) -> Any:
        first, hopeless = submit_until(batcher, 60.0, 1.0), submit_until(batcher, 10.0, 2.0)
        runs.may_go_on.set()
        await asyncio.to_thread(running.wait, 20)
        for request in batcher._running:
            request.queued -= 30.0  # that is, the run has taken so long
        batcher._waiting.run_seconds = 20.0
        failed.set()
        return await asyncio.gather(first, hopeless, return_exceptions=True)

    one, error = with_one_running(runs, scenario)
    assert one[0].tolist() == [10.0]
    assert (error.code, error.message) == (Code.DEADLINE_EXCEEDED, "Timed out waiting for notification")
    assert runs.inputs[1:] == [("s", [1.0, 2.0]), ("s", [1.0])]


def test_rows_that_are_refused_are_not_counted() -> None:
    runs = Runs()

    async def scenario(batcher: Batcher) -> Any:
        counted = []
        for row in ([1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0], [8.0]):
            record = RequestRecord("REST", "predict", "id")
            request_record.current.set(record)
            try:
                queue(batcher, row)
            except StatusError as error:
                counted.append((error.code, record.rows))
            else:
                counted.append((Code.OK, record.rows))
        runs.may_go_on.set()
        return counted

    assert with_one_running(runs, scenario, max_request_rows=2, max_waiting_rows=3) == [
        (Code.OK, 2),
        (Code.INVALID_ARGUMENT, 0),
        (Code.RESOURCE_EXHAUSTED, 0),
        (Code.OK, 1),
    ]


def test_how_long_runs_take_is_learnt() -> None:
    def slowly(_: str, arrays: Arrays) -> Arrays:
        time.sleep(0.02)
        return arrays

    async def scenario(batcher: Batcher) -> Any:
        for number in range(20):
            await queue(batcher, [number])[0]
        return batcher._waiting.run_seconds

    runs = Runs(slowly)
    runs.may_go_on.set()
    assert with_one_running(runs, scenario) > 0.015


def test_after_a_long_run_what_has_not_waited_is_run_all_the_same() -> None:
    runs = Runs()

    async def scenario(batcher: Batcher) -> Any:
        runs.may_go_on.set()
        await queue(batcher, [0.0])[0]
        batcher._waiting.run_seconds = 30.0
        return (await submit_until(batcher, 20.0, 4.0))[0].tolist()

    assert with_one_running(runs, scenario) == [40.0]
