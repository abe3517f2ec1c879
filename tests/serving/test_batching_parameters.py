"""What a batching parameters file means, and what the batcher does with it."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.server import rows
from serving.server.batching import Batcher
from serving.server.batching_parameters import Batching, read_file
from serving.server.errors import Code, StatusError
from serving.server.request_record import RequestRecord, current
from serving.server.signature import Signature, TensorSpec
from serving.server.text_file import ConfigFileError

Arrays = list[np.ndarray]

FLOAT = 1
ROWS, TABLE = (None,), (None, None)


def signature(inputs: Any = ROWS, outputs: Any = ROWS) -> Signature:
    return Signature("s", "", {"x": TensorSpec("x:0", FLOAT, inputs)}, {"y": TensorSpec("y:0", FLOAT, outputs)})


class Tenfold:
    """A model that records the inputs of each run; the first run waits for `may_go_on`."""

    def __init__(self, may_go_on: bool = True):
        self.inputs: list[Any] = []
        self.started = threading.Event()
        self.may_go_on = threading.Event()
        if may_go_on:
            self.may_go_on.set()

    def __call__(self, _signature: str, _outputs: tuple[str, ...], arrays: Arrays) -> Arrays:
        self.inputs.append(arrays[0].tolist())
        self.started.set()
        assert self.may_go_on.wait(20)
        return [arrays[0] * 10]


def serve(model: Any, batching: Batching, scenario: Callable[[Batcher], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        batcher = Batcher(model, "test", batching)
        try:
            return await scenario(batcher)
        finally:
            if isinstance(model, Tenfold):
                model.may_go_on.set()
            await batcher.close()

    return asyncio.run(main())


def submit(batcher: Batcher, array: Any, chosen: Signature | None = None) -> asyncio.Future[Arrays]:
    return batcher.submit(chosen or signature(), ("y",), [np.array(array, np.float32)])


async def with_worker_busy(batcher: Batcher, model: Tenfold) -> asyncio.Future[Arrays]:
    first = submit(batcher, [0.0])
    await asyncio.to_thread(model.started.wait, 20)
    return first


# --- the file ---------------------------------------------------------------------------------------------------------


def read(tmp_path: Path, text: str) -> Batching:
    path = tmp_path / "batching.txt"
    path.write_text(text)
    return read_file(str(path))


def test_all_parameters(tmp_path: Path) -> None:
    text = """
        max_batch_size { value: 128 } batch_timeout_micros { value: 2500 } max_enqueued_batches { value: 3 }
        num_batch_threads { value: 8 } thread_pool_name { value: "pool" } allowed_batch_sizes: [4, 16]
        pad_variable_length_inputs: true enable_large_batch_splitting { value: true }
        max_execution_batch_size { value: 16 }
    """
    assert read(tmp_path, text) == Batching(
        max_run_rows=16,
        wait_seconds=0.0025,
        max_waiting_rows=48,
        max_request_rows=128,
        run_sizes=(4, 16),
        split=True,
        pad=True,
    )


def test_what_is_left_out_is_as_in_tf_serving(tmp_path: Path) -> None:
    assert read(tmp_path, "") == Batching(max_run_rows=1000, max_waiting_rows=10_000, max_request_rows=1000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_batch_size: 3", 'Error parsing text-format tensorflow.serving.BatchingParameters in .*: 1:17 : .*"{"'),
        ("max_batch_sise { value: 3 }", "Error parsing text-format .*max_batch_sise"),
        ("max_batch_size { value: 0 }", "max_batch_size must be at least 1; was 0"),
        ("max_enqueued_batches { value: -1 }", "max_enqueued_batches must be at least 1; was -1"),
        ("num_batch_threads { value: 0 }", "num_batch_threads must be at least 1; was 0"),
        ("batch_timeout_micros { value: -5 }", "batch_timeout_micros must be at least 0; was -5"),
        ("allowed_batch_sizes: [8, 4]", r"allowed_batch_sizes must be positive and ascending; were \[8, 4\]"),
        (
            "max_batch_size { value: 9 } allowed_batch_sizes: [4, 8]",
            "must match max_batch_size; last entry was 8; expected 9",
        ),
        (
            "max_batch_size { value: 4 } enable_large_batch_splitting { value: true }"
            "max_execution_batch_size { value: 8 }",
            "max_execution_batch_size must not be more than max_batch_size; was 8 and 4",
        ),
    ],
)
def test_mistakes_in_the_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigFileError, match=message) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith("--batching_parameters_file: ")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match=r"cannot read .*nowhere"):
        read_file(str(tmp_path / "nowhere"))


# --- when a run starts -----------------------------------------------------------------------------------------------


def test_a_run_that_is_not_full_waits_as_long_as_it_may() -> None:
    model = Tenfold()

    async def scenario(batcher: Batcher) -> float:
        start = time.monotonic()
        early = submit(batcher, [1.0])
        await asyncio.sleep(0.05)
        late = submit(batcher, [2.0])
        await asyncio.gather(early, late)
        return time.monotonic() - start

    took = serve(model, Batching(max_run_rows=4, wait_seconds=0.2), scenario)
    assert model.inputs == [[1.0, 2.0]]
    assert 0.19 < took < 2  # counted from the first, not from the last


def test_a_full_run_does_not_wait() -> None:
    model = Tenfold()

    async def scenario(batcher: Batcher) -> Any:
        return await asyncio.gather(*(submit(batcher, [value]) for value in (1.0, 2.0, 3.0)))

    start = time.monotonic()
    serve(model, Batching(max_run_rows=3, wait_seconds=30), scenario)
    assert time.monotonic() - start < 10
    assert model.inputs == [[1.0, 2.0, 3.0]]


def test_what_cannot_share_does_not_wait() -> None:
    model = Tenfold()

    async def scenario(batcher: Batcher) -> Any:
        waiting = submit(batcher, [5.0])
        alone = await submit(batcher, [[1.0, 2.0]], signature(TABLE, TABLE))
        assert not waiting.done()
        return alone

    assert serve(model, Batching(wait_seconds=30), scenario)[0].tolist() == [[10.0, 20.0]]


# --- how many rows a run has -----------------------------------------------------------------------------------------


def test_rows_are_added_to_reach_an_allowed_size() -> None:
    model = Tenfold()

    async def scenario(batcher: Batcher) -> Any:
        alone = await submit(batcher, [1.0])
        model.started.clear()
        model.may_go_on.clear()
        first = await with_worker_busy(batcher, model)
        others = [submit(batcher, [2.0, 3.0]), submit(batcher, [4.0, 5.0, 6.0])]
        model.may_go_on.set()
        return [result[0].tolist() for result in (alone, await first, *await asyncio.gather(*others))]

    batching = Batching(max_run_rows=8, run_sizes=(2, 8))
    assert serve(model, batching, scenario) == [[10.0], [0.0], [20.0, 30.0], [40.0, 50.0, 60.0]]
    assert model.inputs == [[1.0, 1.0], [0.0, 0.0], [2.0, 3.0, 4.0, 5.0, 6.0, 4.0, 4.0, 4.0]]


def test_a_large_request_is_run_in_parts() -> None:
    model = Tenfold()

    async def scenario(batcher: Batcher) -> Any:
        return (await submit(batcher, [1.0, 2.0, 3.0, 4.0, 5.0]))[0].tolist()

    batching = Batching(max_run_rows=2, max_request_rows=5, split=True)
    assert serve(model, batching, scenario) == [10.0, 20.0, 30.0, 40.0, 50.0]
    assert model.inputs == [[1.0, 2.0], [3.0, 4.0], [5.0]]


def test_parts_whose_outputs_have_other_rows_are_an_error() -> None:
    async def scenario(batcher: Batcher) -> Any:
        with pytest.raises(StatusError, match="0th dimension does not equal") as caught:
            await submit(batcher, [1.0, 2.0, 3.0])
        return caught.value.code

    batching = Batching(max_run_rows=2, split=True)
    assert serve(lambda *call: [call[2][0][1:]], batching, scenario) is Code.FAILED_PRECONDITION


def test_too_many_rows_in_a_request() -> None:
    async def scenario(batcher: Batcher) -> Any:
        with pytest.raises(StatusError) as caught:
            submit(batcher, [1.0, 2.0, 3.0])
        return caught.value

    error = serve(Tenfold(), Batching(max_request_rows=2), scenario)
    assert (error.code, error.message) == (
        Code.INVALID_ARGUMENT,
        "Task size 3 is larger than maximum input batch size 2",
    )


def test_inputs_of_free_size_are_filled_up() -> None:
    model = Tenfold()
    free = signature(TABLE, TABLE)

    async def scenario(batcher: Batcher) -> Any:
        first = await with_worker_busy(batcher, model)
        inputs: list[Any] = [[[1, 2, 3]], [[4], [5]], [[]]]
        futures = [submit(batcher, array, free) for array in inputs]
        model.may_go_on.set()
        await first
        return [result[0].tolist() for result in await asyncio.gather(*futures)]

    model.may_go_on.clear()
    assert serve(model, Batching(pad=True), scenario) == [[[10, 20, 30]], [[40, 40, 40], [50, 40, 40]], [[]]]
    assert model.inputs[1:] == [[[1, 2, 3], [4, 4, 4], [5, 4, 4]], [[]]]


def test_a_wrong_size_is_not_filled_up_to_a_right_one() -> None:
    model = Tenfold(may_go_on=False)
    fixed = signature((None, 3), TABLE)

    async def scenario(batcher: Batcher) -> Any:
        first = await with_worker_busy(batcher, model)
        futures = [submit(batcher, array, fixed) for array in ([[1, 2, 3]], [[4, 5]])]
        model.may_go_on.set()
        await asyncio.gather(first, *futures)

    serve(model, Batching(pad=True), scenario)
    assert model.inputs[1:] == [[[1, 2, 3]], [[4, 5]]]


def test_strings_are_filled_up() -> None:
    long, short = np.array([[b"a", b"b"]], object), np.array([[b"c"], [b"d"]], object)
    (joined,) = rows.join([[long], [short]], extra=1, pad=True)
    assert joined.tolist() == [[b"a", b"b"], [b"c", b"c"], [b"d", b"c"], [b"c", b"c"]]


# --- how many rows may wait ------------------------------------------------------------------------------------------


def test_a_full_queue_refuses_and_takes_again_what_it_has_room_for() -> None:
    model = Tenfold(may_go_on=False)

    async def scenario(batcher: Batcher) -> Any:
        first = await with_worker_busy(batcher, model)
        waiting = [submit(batcher, [1.0, 2.0]), submit(batcher, [3.0])]
        with pytest.raises(StatusError, match="full: 3 rows are waiting, at most 4 may") as caught:
            submit(batcher, [4.0, 5.0])
        assert caught.value.code is Code.RESOURCE_EXHAUSTED
        waiting[0].cancel()  # its client went away
        last = submit(batcher, [6.0, 7.0])
        model.may_go_on.set()
        await asyncio.gather(first, waiting[1], last)
        return (await submit(batcher, [8.0, 9.0, 10.0, 11.0, 12.0]))[0].tolist()  # nothing waits: any size is taken

    assert serve(model, Batching(max_waiting_rows=4), scenario) == [80.0, 90.0, 100.0, 110.0, 120.0]
    assert model.inputs[1] == [3.0, 6.0, 7.0]


def test_a_request_in_parts_is_queued_whole_or_not_at_all() -> None:
    model = Tenfold(may_go_on=False)

    async def scenario(batcher: Batcher) -> Any:
        first = await with_worker_busy(batcher, model)
        waiting = submit(batcher, [1.0])
        with pytest.raises(StatusError, match="full"):
            submit(batcher, [2.0, 3.0, 4.0])
        model.may_go_on.set()
        await asyncio.gather(first, waiting)

    serve(model, Batching(max_run_rows=2, max_waiting_rows=3, split=True), scenario)
    assert model.inputs == [[0.0], [1.0]]


def test_a_run_that_becomes_full_while_it_waits_is_begun() -> None:
    model = Tenfold()

    async def scenario(batcher: Batcher) -> Any:
        began = time.monotonic()
        first = submit(batcher, [1.0])
        await asyncio.sleep(0.05)
        others = [submit(batcher, [2.0]), submit(batcher, [3.0])]
        await asyncio.gather(first, *others)
        assert time.monotonic() - began < 2

    serve(model, Batching(max_run_rows=3, wait_seconds=4.0), scenario)
    assert model.inputs == [[1.0, 2.0, 3.0]]


# --- what nobody waits for -------------------------------------------------------------------------------------------


def test_a_request_past_its_deadline_is_not_run() -> None:
    model = Tenfold(may_go_on=False)

    async def scenario(batcher: Batcher) -> Any:
        first = await with_worker_busy(batcher, model)
        current.set(RequestRecord("GRPC", "Predict", "1", deadline=time.monotonic() + 0.05))
        late = submit(batcher, [1.0])
        current.set(None)
        other = submit(batcher, [2.0])
        time.sleep(0.1)  # the loop is too busy to tell the batcher
        model.may_go_on.set()
        with pytest.raises(StatusError, match="Timed out") as caught:
            await late
        assert caught.value.code is Code.DEADLINE_EXCEEDED
        await asyncio.gather(first, other)

    serve(model, Batching(), scenario)
    assert model.inputs == [[0.0], [2.0]]


def test_a_request_is_answered_at_its_deadline_though_it_runs() -> None:
    model = Tenfold(may_go_on=False)

    async def scenario(batcher: Batcher) -> Any:
        began = time.monotonic()
        current.set(RequestRecord("REST", "predict", "1", deadline=began + 0.3))
        later = submit(batcher, [1.0])
        current.set(RequestRecord("REST", "predict", "2", deadline=began + 0.1))
        sooner = submit(batcher, [2.0])
        current.set(None)
        without = submit(batcher, [3.0])
        for future, least in ((sooner, 0.1), (later, 0.3)):
            with pytest.raises(StatusError, match="Timed out") as caught:
                await future
            assert caught.value.code is Code.DEADLINE_EXCEEDED
            assert least - 0.01 < time.monotonic() - began < least + 0.15
        model.may_go_on.set()
        assert (await without)[0].tolist() == [30.0]

    serve(model, Batching(), scenario)
    assert model.inputs == [[1.0, 2.0, 3.0]]


def test_those_whose_time_has_passed_take_no_room() -> None:
    model = Tenfold(may_go_on=False)

    async def scenario(batcher: Batcher) -> Any:
        first = await with_worker_busy(batcher, model)
        gone = [submit(batcher, [1.0]) for _ in range(4)]
        with pytest.raises(StatusError, match="4 rows are waiting, at most 4 may"):
            submit(batcher, [2.0])
        gone[2].cancel()
        kept = submit(batcher, [3.0])
        with pytest.raises(StatusError, match="4 rows are waiting, at most 4 may"):
            submit(batcher, [4.0])
        model.may_go_on.set()
        await asyncio.gather(first, kept, gone[0], gone[1], gone[3])

    serve(model, Batching(max_waiting_rows=4), scenario)
    assert model.inputs == [[0.0], [1.0, 1.0, 1.0, 3.0]]


def test_a_cancelled_request_in_parts_is_not_run() -> None:
    model = Tenfold(may_go_on=False)

    async def scenario(batcher: Batcher) -> Any:
        first = await with_worker_busy(batcher, model)
        large = submit(batcher, [1.0, 2.0, 3.0])
        await asyncio.sleep(0)
        large.cancel()
        await asyncio.sleep(0)
        model.may_go_on.set()
        await first

    serve(model, Batching(max_run_rows=2, split=True), scenario)
    assert model.inputs == [[0.0]]
