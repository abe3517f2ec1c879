"""The batcher: one worker thread runs what is waiting, together where that is allowed.

By default it is greedy and never waits for more: under light load every request runs alone and at once; under heavy
load requests pile up while a run is going on and share the next one. With a batching parameters file a run that is not
full waits as long as the file says. Either way only so many rows may wait; a request beyond them is refused at once.
"""

import asyncio
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

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


class _Request(asyncio.Future[Arrays]):
    """The inputs of a request and its outputs to come. One that is cancelled leaves the queue at once."""

    def __init__(self, batcher: "Batcher", call: _Call, inputs: Arrays, record: RequestRecord | None):
        super().__init__(loop=asyncio.get_running_loop())
        self.batcher = batcher
        self.call = call
        self.inputs = inputs
        self.rows = rows.common(inputs)
        self.record = record
        self.queued = time.monotonic()
        self.key: Hashable = self  # requests with equal keys may share a run

    def cancel(self, msg: Any | None = None) -> bool:
        """Nobody waits for it any more."""
        cancelled = super().cancel(msg)
        if cancelled:
            self.batcher.withdraw(self)
        return cancelled


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
    """

    def __init__(self, run: Run, name: str, batching: Batching | None = None):
        self._run = run
        self._batching = batching or Batching()
        self._queues: OrderedDict[Hashable, _Queue] = OrderedDict()
        self._waiting_rows = 0
        self._alone: set[_Call] = set()  # calls whose outputs turned out not to have a row for each row
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=f"batcher {name}", daemon=True)
        self._thread.start()

    def submit(self, signature: Signature, outputs: tuple[str, ...], inputs: Arrays) -> asyncio.Future[Arrays]:
        """Queue one request from the running event loop. One that is cancelled before its run starts is never run.

        Args:
            signature: what to run.
            outputs: the wanted outputs.
            inputs: one array for each input of the signature, in its order.

        Returns:
            The outputs in their order, or the StatusError of the run.

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
        share = count > 0 and call not in self._alone and self._can_share(signature)
        parts = [inputs]
        if share and self._batching.split and count > self._batching.max_run_rows:
            parts = rows.split(inputs, rows.chunks(count, self._batching.max_run_rows))
        requests = [_Request(self, call, part, record) for part in parts]
        if share:
            for request in requests:
                request.key = (call, self._shapes(signature, request.inputs))
        self._enqueue(requests)
        return requests[0] if len(requests) == 1 else asyncio.ensure_future(_joined(requests))

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

    def _enqueue(self, requests: list[_Request]) -> None:
        """Queue all or none."""
        count = sum(_room(request) for request in requests)
        most = self._batching.max_waiting_rows
        with self._changed:
            if self._closed:
                raise RuntimeError("the batcher is closed")
            if self._waiting_rows and self._waiting_rows + count > most:
                raise StatusError(
                    Code.RESOURCE_EXHAUSTED,
                    "The batch scheduling queue to which this task was submitted is full: "
                    f"{self._waiting_rows} rows are waiting, at most {most} may",
                )
            self._waiting_rows += count
            for request in requests:
                queue = self._queues.get(request.key)
                if queue is None:
                    queue = self._queues[request.key] = _Queue()
                queue.requests.append(request)
                queue.rows += request.rows
            self._changed.notify()

    def withdraw(self, request: _Request) -> None:
        """Forget a request unless its run has begun."""
        with self._changed:
            queue = self._queues.get(request.key)
            if queue is None or request not in queue.requests:
                return
            queue.requests.remove(request)
            self._count_out(queue, request)

    def _count_out(self, queue: _Queue, request: _Request) -> None:
        queue.rows -= request.rows
        self._waiting_rows -= _room(request)
        if not queue.requests:
            del self._queues[request.key]

    def close(self) -> None:
        """Finish what is queued, then end the thread. Blocks until then."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while group := self._take():
            now = time.monotonic()
            late = [request for request in group if request.record and request.record.deadline <= now]
            if late:
                _deliver(late, [_too_late() for _ in late])
            group = [request for request in group if request not in late and not request.cancelled()]
            if group:
                _deliver(group, self._outcomes(group))

    def _take(self) -> list[_Request]:
        """The next requests that may run together, at least one; none once closed and empty."""
        with self._changed:
            while True:
                key, seconds = self._ready()
                if key is not None:
                    return self._taken_from(self._queues[key])
                if self._closed:
                    return []
                self._changed.wait(seconds)

    def _ready(self) -> tuple[Hashable | None, float | None]:
        """The first queue whose time has come, else how long to wait for one."""
        wait = self._batching.wait_seconds
        if not wait or self._closed:
            return next(iter(self._queues), None), None
        now, shortest = time.monotonic(), None
        for key, queue in self._queues.items():
            first = queue.requests[0]
            left = first.queued + wait - now
            if left <= 0 or first.key is first or queue.rows >= self._batching.max_run_rows:
                return key, None
            shortest = left if shortest is None else min(left, shortest)
        return None, shortest

    def _taken_from(self, queue: _Queue) -> list[_Request]:
        group = [queue.requests.popleft()]
        count = group[0].rows
        while queue.requests and count + queue.requests[0].rows <= self._batching.max_run_rows:
            count += queue.requests[0].rows
            group.append(queue.requests.popleft())
        for request in group[:-1]:
            queue.rows -= request.rows
            self._waiting_rows -= _room(request)
        self._count_out(queue, group[-1])
        if queue.requests:
            self._queues.move_to_end(group[0].key)
        return group

    def _outcomes(self, group: list[_Request]) -> list[Outcome]:
        first = group[0]
        count = sum(request.rows for request in group)
        extra = self._batching.padded_rows(count) - count if first.key is not first else 0
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


def _room(request: _Request) -> int:
    """The rows that a request takes up in the queue; one without rows counts too."""
    return request.rows or 1


def _too_late() -> StatusError:
    return StatusError(Code.DEADLINE_EXCEEDED, "the deadline passed while the request waited for its run")


async def _joined(parts: list[_Request]) -> Arrays:
    """The outputs of a request that runs in parts."""
    try:
        results = await asyncio.gather(*parts)
    except BaseException:
        for part in parts:
            part.cancel()
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


def _deliver(group: list[_Request], outcomes: list[Outcome]) -> None:
    """Hand the outcomes over to the event loop, in one call."""
    group[0].get_loop().call_soon_threadsafe(_settle, group, outcomes)


def _settle(group: list[_Request], outcomes: list[Outcome]) -> None:
    now = time.monotonic()
    for request, outcome in zip(group, outcomes, strict=True):
        if request.cancelled():
            continue
        if request.record is not None:
            request.record.run_seconds = now - request.queued
        if isinstance(outcome, BaseException):
            request.set_exception(outcome)
        else:
            request.set_result(outcome)
