"""The batcher: what is waiting is run together where that is allowed, by one worker thread.

By default it is greedy and never waits for more: under light load every request runs alone and at once; under heavy
load requests pile up while a run is going on and share the next one. With a batching parameters file a run that is not
full waits as long as the file says. Either way only so many rows may wait; a request beyond them is refused at once.

The queues belong to the event loop and need no locks. It hands a group to the worker only when the worker is idle and
the events of this turn of the loop have all been seen, so that requests that came together run together.
"""

import asyncio
import queue
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field

import numpy as np

from serving.server import request_record, rows
from serving.server.batching_parameters import Batching
from serving.server.errors import Code, StatusError, invalid
from serving.server.request_record import RequestRecord
from serving.server.rows import Arrays
from serving.server.signature import Signature

# (signature name, names of the wanted outputs, inputs) → outputs; serving.server.session_model.SessionModel.run
Run = Callable[[str, tuple[str, ...], Arrays], Arrays]
Outcome = Arrays | BaseException

# The name of a signature and the names of the wanted outputs.
_Call = tuple[str, tuple[str, ...]]

_NEVER = float("inf")

# A request is not run unless as many times the length of a run is left: the answer has a way to go as well.
_MARGIN = 2.0

# How much the last run counts among those before it.
_NEWS = 0.1


@dataclass(slots=True, eq=False)
class _Request:
    """The inputs of a request and its outputs to come. Requests with equal keys may share a run; None runs alone."""

    call: _Call
    key: Hashable
    inputs: Arrays
    rows: int
    outputs: asyncio.Future[Arrays]
    record: RequestRecord | None
    queued: float

    @property
    def room(self) -> int:
        """The rows it takes up in the queue; one without rows counts too."""
        return self.rows or 1

    @property
    def deadline(self) -> float:
        return self.record.deadline if self.record else _NEVER


@dataclass(slots=True)
class _Queue:
    """Requests that may share a run."""

    requests: deque[_Request] = field(default_factory=deque)
    rows: int = 0


class Batcher:
    """Runs requests in a thread of its own, in the order of arrival as far as sharing allows.

    Requests share a run only if they call the same signature for the same outputs with inputs of equal types and, but
    for the number of rows, equal shapes (with `Batching.pad`: but for free dimensions). A request that fails together
    with others is run again alone: nobody gets another's error. What nobody waits for any more is not run.

    All methods are for the event loop that was running when it was made.
    """

    def __init__(self, run: Run, name: str, batching: Batching | None = None):
        self._run = run
        self._batching = batching or Batching()
        self._loop = asyncio.get_running_loop()
        self._queues: OrderedDict[Hashable, _Queue] = OrderedDict()
        self._waiting_rows = 0
        self._running: list[_Request] = []
        self._run_began = 0.0
        self._run_seconds = 0.0  # what runs take of late
        self._dispatch_due: asyncio.Handle | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = _NEVER
        self._closed: asyncio.Future[None] | None = None
        self._alone: set[_Call] = set()  # calls whose outputs turned out not to have a row for each row
        self._groups: queue.SimpleQueue[list[_Request]] = queue.SimpleQueue()  # an empty one ends the thread
        self._thread = threading.Thread(target=self._work, name=f"batcher {name}", daemon=True)
        self._thread.start()

    def submit(self, signature: Signature, outputs: tuple[str, ...], inputs: Arrays) -> asyncio.Future[Arrays]:
        """Queue one request. One that is cancelled before its run starts is never run.

        Args:
            signature: what to run.
            outputs: the wanted outputs.
            inputs: one array for each input of the signature, in its order.

        Returns:
            The outputs in their order, or the StatusError of the run; DEADLINE_EXCEEDED at the deadline of the current
            request record.

        Raises StatusError: INVALID_ARGUMENT for too many rows, RESOURCE_EXHAUSTED if too many rows wait already.
        """
        record = request_record.current.get()
        count = rows.common(inputs)
        if record is not None:
            record.signature = signature.name
            record.rows += count
        limit = self._batching.max_request_rows
        if limit and count > limit:
            raise invalid(f"Task size {count} is larger than maximum input batch size {limit}")
        call = (signature.name, outputs)
        if not (count > 0 and call not in self._alone and self._can_share(signature)):
            return self._enqueue([self._request(call, None, inputs, count, record)])[0].outputs
        if self._batching.split and count > self._batching.max_run_rows:
            sizes = rows.chunks(count, self._batching.max_run_rows)
            parts = [
                self._request(call, (call, self._shapes(signature, part)), part, size, record)
                for part, size in zip(rows.split(inputs, sizes), sizes, strict=True)
            ]
            return asyncio.ensure_future(_joined(self._enqueue(parts)))
        key = (call, self._shapes(signature, inputs))
        return self._enqueue([self._request(call, key, inputs, count, record)])[0].outputs

    def _request(
        self, call: _Call, key: Hashable, inputs: Arrays, count: int, record: RequestRecord | None
    ) -> _Request:
        return _Request(call, key, inputs, count, self._loop.create_future(), record, time.monotonic())

    def _can_share(self, signature: Signature) -> bool:
        return signature.can_batch or (self._batching.pad and signature.can_batch_padded)

    def _shapes(self, signature: Signature, inputs: Arrays) -> Hashable:
        """What must be equal of inputs that run together."""
        if not self._batching.pad or any(array.size == 0 for array in inputs):
            return tuple((array.dtype, array.shape[1:]) for array in inputs)
        return tuple(
            (array.dtype, spec.fixed_sizes(array.shape))
            for spec, array in zip(signature.inputs.values(), inputs, strict=True)
        )

    def _enqueue(self, requests: list[_Request]) -> list[_Request]:
        """Queue all or none."""
        if self._closed:
            raise RuntimeError("the batcher is closed")
        self._make_room(sum(request.room for request in requests))
        for request in requests:
            key = request.key or request
            waiting = self._queues.get(key)
            if waiting is None:
                waiting = self._queues[key] = _Queue()
            waiting.requests.append(request)
            waiting.rows += request.rows
            self._waiting_rows += request.room
        self._set_alarm(requests[0].deadline)
        if not self._running and self._dispatch_due is None:
            self._dispatch_due = self._loop.call_soon(self._dispatch)
        return requests

    def _make_room(self, count: int) -> None:
        """Raises StatusError (RESOURCE_EXHAUSTED) if `count` more rows may not wait."""
        most = self._batching.max_waiting_rows
        if not self._waiting_rows or self._waiting_rows + count <= most:
            return
        self._forget_done()
        if self._waiting_rows and self._waiting_rows + count > most:
            raise StatusError(
                Code.RESOURCE_EXHAUSTED,
                "The batch scheduling queue to which this task was submitted is full: "
                f"{self._waiting_rows} rows are waiting, at most {most} may",
            )

    def _forget_done(self) -> None:
        """Take out of the queues what nobody waits for any more."""
        for key, waiting in list(self._queues.items()):
            waiting.requests = deque(request for request in waiting.requests if not request.outputs.done())
            waiting.rows = sum(request.rows for request in waiting.requests)
            if not waiting.requests:
                del self._queues[key]
        self._waiting_rows = sum(request.room for waiting in self._queues.values() for request in waiting.requests)

    # --- deadlines ---------------------------------------------------------------------------------------------------

    def _set_alarm(self, deadline: float) -> None:
        """Look at all deadlines at `deadline`, unless that is done earlier anyway."""
        if deadline < self._alarm_at:
            if self._alarm:
                self._alarm.cancel()
            self._alarm_at = deadline
            self._alarm = self._loop.call_later(deadline - time.monotonic(), self._end_late)

    def _end_late(self) -> None:
        """Answer the requests whose deadline has passed, and set the alarm for the next."""
        self._alarm, self._alarm_at = None, _NEVER
        now, following = time.monotonic(), _NEVER
        for request in self._held():
            if request.deadline <= now:
                _end(request)
            if not request.outputs.done():
                following = min(following, request.deadline)
        self._set_alarm(following)

    def _held(self) -> Iterator[_Request]:
        yield from self._running
        for waiting in self._queues.values():
            yield from waiting.requests

    # --- runs --------------------------------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        """Hand the next group to the worker, or come back when its time has come."""
        if self._dispatch_due:
            self._dispatch_due.cancel()
            self._dispatch_due = None
        while self._queues:
            key, seconds = self._ready()
            if key is None:
                self._dispatch_due = self._loop.call_later(seconds, self._dispatch)
                return
            self._running = self._taken_from(key)
            if self._running:
                self._run_began = time.monotonic()
                self._groups.put(self._running)
                return
        if self._closed and not self._closed.done():
            self._groups.put([])
            self._closed.set_result(None)

    def _ready(self) -> tuple[Hashable | None, float]:
        """The first queue whose time has come, else how long to wait for one."""
        wait = self._batching.wait_seconds
        if not wait or self._closed:
            return next(iter(self._queues)), 0.0
        now, shortest = time.monotonic(), wait
        for key, waiting in self._queues.items():
            first = waiting.requests[0]
            left = first.queued + wait - now
            if left <= 0 or first.key is None or waiting.rows >= self._batching.max_run_rows:
                return key, 0.0
            shortest = min(left, shortest)
        return None, shortest

    def _taken_from(self, key: Hashable) -> list[_Request]:
        """The next requests of a queue that fit into a run, without those that nobody waits for."""
        waiting, group, count, now = self._queues[key], list[_Request](), 0, time.monotonic()
        while waiting.requests:
            request = waiting.requests[0]
            if self._is_hopeless(request, now):
                _end(request)
            wanted = not request.outputs.done()
            if wanted and group and count + request.rows > self._batching.max_run_rows:
                break
            waiting.requests.popleft()
            waiting.rows -= request.rows
            self._waiting_rows -= request.room
            if wanted:
                count += request.rows
                group.append(request)
        if waiting.requests:
            self._queues.move_to_end(key)
        else:
            del self._queues[key]
        return group

    def _is_hopeless(self, request: _Request, now: float) -> bool:
        """Whether its answer would come too late.

        Under overload the first in line are those whose time is nearly up; to run them until it is would make every
        answer late. Who has hardly waited is run in any case, so one long run does not bar the way to those after it.
        """
        left, waited = request.deadline - now, now - request.queued
        return left <= 0 or (left < _MARGIN * self._run_seconds and waited > self._run_seconds)

    def _settle(self, group: list[_Request], outcomes: list[Outcome]) -> None:
        """The worker has finished a group."""
        now = time.monotonic()
        self._running = []
        self._run_seconds += _NEWS * (now - self._run_began - self._run_seconds)
        self._dispatch_due = self._loop.call_soon(self._dispatch)  # before what the answers make due
        for request, outcome in zip(group, outcomes, strict=True):
            if request.record is not None:
                request.record.run_seconds = now - request.queued
            if request.outputs.done():
                continue
            if isinstance(outcome, BaseException):
                request.outputs.set_exception(outcome)
            else:
                request.outputs.set_result(outcome)

    async def close(self) -> None:
        """Finish what is queued, then end the thread."""
        self._closed = self._closed or self._loop.create_future()
        if not self._running:
            self._dispatch()
        await asyncio.shield(self._closed)
        await asyncio.to_thread(self._thread.join)

    # --- in the worker's thread --------------------------------------------------------------------------------------

    def _work(self) -> None:
        while group := self._groups.get():
            self._loop.call_soon_threadsafe(self._settle, group, self._outcomes(group))

    def _outcomes(self, group: list[_Request]) -> list[Outcome]:
        first = group[0]
        count = sum(request.rows for request in group)
        extra = self._batching.padded_rows(count) - count if first.key is not None else 0
        if len(group) > 1 or extra:
            try:
                return [*self._run_together(group, extra)]
            except Exception:  # noqa: BLE001, S110  (found out below, one by one, whose fault it is)
                pass
        return [self._run_alone(request) for request in group]

    def _run_alone(self, request: _Request) -> Outcome:
        try:
            return self._run(*request.call, request.inputs)
        except Exception as error:  # noqa: BLE001  (it is handed to the one who asked)
            return error

    def _run_together(self, group: list[_Request], extra: int) -> list[Arrays]:
        call = group[0].call
        inputs = rows.join((request.inputs for request in group), extra=extra, pad=self._batching.pad)
        results = self._run(*call, inputs)
        total = rows.common(inputs)
        if any(result.ndim == 0 or len(result) != total for result in results):
            self._alone.add(call)
            raise ValueError("the outputs do not have one row for each input row")
        return rows.split(results, [request.rows for request in group])


def _end(request: _Request) -> None:
    """Answer a request for which there is no time, unless it has been answered."""
    if not request.outputs.done():
        request.outputs.set_exception(StatusError(Code.DEADLINE_EXCEEDED, "Timed out waiting for notification"))


async def _joined(parts: list[_Request]) -> Arrays:
    """The outputs of a request that runs in parts."""
    futures = [part.outputs for part in parts]
    try:
        results = await asyncio.gather(*futures)
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    for part, arrays in zip(parts, results, strict=True):
        if rows.common(arrays) != part.rows:
            raise StatusError(
                Code.FAILED_PRECONDITION,
                "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input"
                " tensors",
            )
    if len({tuple(array.shape[1:] for array in arrays) for arrays in results}) > 1:
        raise StatusError(Code.FAILED_PRECONDITION, "the outputs of the request's parts differ in shape")
    return [np.concatenate(arrays) for arrays in zip(*results, strict=True)]
