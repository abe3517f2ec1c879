"""The batcher: what is waiting is run together where that is allowed, by one worker thread.

By default it is greedy and has no timer: under light load every request runs alone and at once; under heavy load
requests pile up while a run is going on and share the next one. With a batching parameters file a run that is not
full waits as long as the file says. Either way only so many rows may wait; a request beyond them is refused at once.

A run follows the last at once if nearly as many rows wait for it, or half a full one. Otherwise the event loop first
sends the answers and takes in what else has come: it hands over the next run after a turn with nothing to do, or once
it has been busy for too long. So requests that come together run together, and a busy loop gets larger runs rather than
more, which would take the processor and Python's lock from it.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Hashable, Iterable

import numpy as np

from serving.server import request_record, rows
from serving.server.batching_parameters import Batching
from serving.server.errors import Code, StatusError, invalid
from serving.server.gathering import Gathering
from serving.server.rows import Arrays
from serving.server.signature import Signature
from serving.server.waiting import NEVER, Call, Waiting, WaitingRequests

# (signature name, names of the wanted outputs, inputs) → outputs; serving.server.session_model.SessionModel.run
Run = Callable[[str, tuple[str, ...], Arrays], Arrays]
Outcome = Arrays | BaseException

# How much the last run counts, among those before it, for what is known of the length of runs.
_NEWS = 0.1

# A run follows the last at once if so many rows wait for each of the last, or for each of the most that share one.
_NEARLY, _ENOUGH = 0.75, 0.5

# How long a busy event loop goes on to begin turns before a run: as a part of its length, and at most, in seconds.
_PATIENCE, _MOST_PATIENCE = 0.5, 1e-3


class Batcher:
    """Runs requests in a thread of its own, in the order of arrival as far as sharing allows.

    Requests share a run only if they call the same signature for the same outputs with inputs of equal types and, but
    for the number of rows, equal shapes (with `Batching.pad`: but for free dimensions). A request that fails together
    with others is run again alone: nobody gets another's error. What nobody waits for any more is neither run nor run
    again.

    All methods are for the event loop that was running when it was made.
    """

    def __init__(self, run: Run, name: str, batching: Batching | None = None):
        self._run = run
        self._batching = batching or Batching()
        self._loop = asyncio.get_running_loop()
        self._waiting = WaitingRequests(self._batching)
        self._running: list[Waiting] = []
        self._gathering: Gathering | None = None
        self._dispatch_due: asyncio.Handle | None = None  # in this turn or the next
        self._dispatch_later: asyncio.TimerHandle | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = NEVER
        self._closed: asyncio.Future[None] | None = None
        self._alone: set[Call] = set()  # calls whose outputs turned out not to have a row for each row
        self._handed_over: queue.SimpleQueue[list[Waiting]] = queue.SimpleQueue()  # an empty one ends the thread
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
        limit = self._batching.max_request_rows
        if limit and count > limit:
            raise invalid(f"Task size {count} is larger than maximum input batch size {limit}")
        call = (signature.name, outputs)
        shares = count > 0 and call not in self._alone and self._can_share(signature)
        counts = [count]
        if shares and self._batching.split:
            counts = rows.chunks(count, self._batching.max_run_rows)
        parts = [inputs] if len(counts) == 1 else rows.split(inputs, counts)
        requests = [
            Waiting(
                call,
                (call, self._shapes(signature, part)) if shares else None,
                part,
                count,
                self._loop.create_future(),
                record,
            )
            for part, count in zip(parts, counts, strict=True)
        ]
        self._enqueue(requests)
        if record is not None:
            record.rows += count
        if len(requests) == 1:
            return requests[0].outputs
        joined = asyncio.ensure_future(_joined(requests))
        joined.add_done_callback(lambda _: [request.outputs.cancel() for request in requests])
        return joined

    def _can_share(self, signature: Signature) -> bool:
        return signature.can_batch or (self._batching.pad and signature.can_batch_padded)

    def _shapes(self, signature: Signature, inputs: Arrays) -> Hashable:
        """What must be equal of inputs that run together."""
        if not self._batching.pad or any(array.size == 0 for array in inputs):
            return tuple([(array.dtype, array.shape[1:]) for array in inputs])
        return tuple(
            (array.dtype, spec.fixed_sizes(array.shape))
            for spec, array in zip(signature.inputs.values(), inputs, strict=True)
        )

    def _enqueue(self, requests: list[Waiting]) -> None:
        if self._closed:
            raise RuntimeError("the batcher is closed")
        self._waiting.add(requests)
        self._set_alarm(requests[0].deadline)
        if not self._running and self._dispatch_due is None:
            self._dispatch_due = self._loop.call_soon(self._dispatch)

    def _set_alarm(self, deadline: float) -> None:
        """Look at all deadlines at `deadline`, unless that is done earlier anyway."""
        if deadline < self._alarm_at:
            if self._alarm:
                self._alarm.cancel()
            self._alarm_at = deadline
            self._alarm = self._loop.call_later(deadline - time.monotonic(), self._end_late)

    def _end_late(self) -> None:
        """Answer the requests whose deadline has passed, and set the alarm for the next."""
        self._alarm, self._alarm_at = None, NEVER
        now, held = time.monotonic(), [*self._running, *self._waiting.all()]
        _end(request for request in held if request.deadline <= now)
        self._waiting.forget_done()
        self._set_alarm(min((request.deadline for request in held if request.deadline > now), default=NEVER))

    def _dispatch(self) -> None:
        """See that the worker, which is idle, gets the next run when it is time."""
        if self._gathers():
            self._dispatch_due = self._loop.call_soon(self._dispatch)
        else:
            self._hand_over()

    def _gathers(self) -> bool:
        """Whether to let the event loop have one more turn before the next run."""
        if self._batching.wait_seconds or not self._waiting.may_grow():
            return False
        if self._gathering is None:
            self._gathering = Gathering()
            return True
        return self._gathering.goes_on(min(_PATIENCE * self._waiting.run_seconds, _MOST_PATIENCE))

    def _hand_over(self) -> None:
        """Hand the next run to the worker, or come back when its time has come."""
        for handle in (self._dispatch_due, self._dispatch_later):
            if handle:
                handle.cancel()
        self._dispatch_due = self._dispatch_later = self._gathering = None
        self._running, seconds = self._waiting.take(at_once=self._closed is not None)
        _end(self._waiting.pop_late())
        if self._running:
            self._handed_over.put(self._running)
        elif seconds < NEVER:
            self._dispatch_later = self._loop.call_later(seconds, self._dispatch)
        elif self._closed and not self._closed.done():
            self._handed_over.put([])
            self._closed.set_result(None)

    def _settle(self, group: list[Waiting], outcomes: list[Outcome], following: list[Waiting]) -> None:
        """The worker has finished `group` and goes on with `following`, or else waits."""
        now = time.monotonic()
        _end(self._waiting.pop_late())
        self._running = following
        if following:
            self._set_alarm(min(request.deadline for request in following))
        elif _rows(group) > self._batching.max_run_rows:
            self._hand_over()  # of one large request; to send its answer takes long
        else:
            self._dispatch_due = self._loop.call_soon(self._dispatch)
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
            self._hand_over()
        await asyncio.shield(self._closed)
        await asyncio.to_thread(self._thread.join)
        if self._alarm:
            self._alarm.cancel()  # it would hold this batcher, and with it the model, until the deadline

    # --- in the worker's thread --------------------------------------------------------------------------------------

    def _work(self) -> None:
        group = self._handed_over.get()
        while group:
            began = time.monotonic()
            outcomes = self._outcomes(group)
            self._waiting.run_seconds += _NEWS * (time.monotonic() - began - self._waiting.run_seconds)
            following: list[Waiting] = []
            if self._waiting.rows >= min(_NEARLY * _rows(group), _ENOUGH * self._batching.max_run_rows):
                following, _ = self._waiting.take()
            self._loop.call_soon_threadsafe(self._settle, group, outcomes, following)
            group, outcomes = following, []  # an idle worker holds nothing
            del following
            group = group or self._handed_over.get()

    def _outcomes(self, group: list[Waiting]) -> list[Outcome]:
        first = group[0]
        count = _rows(group)
        extra = self._batching.padded_rows(count) - count if first.key is not None else 0
        if len(group) > 1 or extra:
            try:
                return [*self._run_together(group, extra)]
            except Exception:  # noqa: BLE001, S110  (found out below, one by one, whose fault it is)
                pass
        return [self._run_alone(request) for request in group]

    def _run_alone(self, request: Waiting) -> Outcome:
        if request.outputs.done() or self._waiting.is_too_late(request, time.monotonic()):
            return _timed_out()
        try:
            return self._run(*request.call, request.inputs)
        except Exception as error:  # noqa: BLE001  (it is handed to the one who asked)
            return error

    def _run_together(self, group: list[Waiting], extra: int) -> list[Arrays]:
        call = group[0].call
        inputs = rows.join((request.inputs for request in group), extra=extra, pad=self._batching.pad)
        results = self._run(*call, inputs)
        total = rows.common(inputs)
        if any(result.ndim == 0 or len(result) != total for result in results):
            self._alone.add(call)
            raise ValueError("the outputs do not have one row for each input row")
        return rows.split(results, [request.rows for request in group])


def _rows(group: list[Waiting]) -> int:
    return sum(request.rows for request in group)


def _end(late: Iterable[Waiting]) -> None:
    """Answer requests for which there is no time, unless they have been answered."""
    for request in late:
        if not request.outputs.done():
            request.outputs.set_exception(_timed_out())


def _timed_out() -> StatusError:
    return StatusError(Code.DEADLINE_EXCEEDED, "Timed out waiting for notification")


async def _joined(parts: list[Waiting]) -> Arrays:
    """The outputs of a request that runs in parts."""
    results = await asyncio.gather(*(part.outputs for part in parts))
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
