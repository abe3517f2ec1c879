"""The requests that wait for a run, sorted by what may share one."""

import asyncio
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, field

from serving.server.batching_parameters import Batching
from serving.server.errors import Code, StatusError
from serving.server.request_record import RequestRecord
from serving.server.rows import Arrays

NEVER = float("inf")

# A request is not run unless as many times the length of a run is left: the answer has a way to go as well.
_MARGIN = 2.0

# The name of a signature and the names of the wanted outputs.
Call = tuple[str, tuple[str, ...]]


@dataclass(slots=True, eq=False)
class Waiting:
    """The inputs of a request and its outputs to come. Those with equal keys may share a run; None runs alone.

    When `outputs` is done, or the deadline has passed, nobody waits for it any more.
    """

    call: Call
    key: Hashable
    inputs: Arrays
    rows: int
    outputs: asyncio.Future[Arrays]
    record: RequestRecord | None
    queued: float = field(default_factory=time.monotonic)

    @property
    def room(self) -> int:
        """The rows it takes up in the queue; one without rows counts too."""
        return self.rows or 1

    @property
    def deadline(self) -> float:
        """When its outputs are of no more use, in the time of `time.monotonic`."""
        return self.record.deadline if self.record else NEVER


@dataclass(slots=True)
class _Line:
    """Requests that may share a run."""

    requests: deque[Waiting] = field(default_factory=deque)
    rows: int = 0


class WaitingRequests:
    """Requests in the order in which they are to be run; for any thread.

    Attributes:
        rows: how many wait.
        run_seconds: how long a run takes of late; what it would answer too late is not taken.
    """

    def __init__(self, batching: Batching):
        self.rows = 0
        self.run_seconds = 0.0
        self._batching = batching
        self._lines: OrderedDict[Hashable, _Line] = OrderedDict()
        self._late: list[Waiting] = []
        self._lock = threading.Lock()

    def add(self, requests: list[Waiting]) -> None:
        """Let all of them wait or, raising StatusError (RESOURCE_EXHAUSTED), none."""
        count = sum(request.room for request in requests)
        most = self._batching.max_waiting_rows
        if self.rows + count > most:
            self.forget_done()
        with self._lock:
            if self.rows and self.rows + count > most:
                raise StatusError(
                    Code.RESOURCE_EXHAUSTED,
                    "The batch scheduling queue to which this task was submitted is full: "
                    f"{self.rows} rows are waiting, at most {most} may",
                )
            for request in requests:
                key = request.key or request
                line = self._lines.get(key)
                if line is None:
                    line = self._lines[key] = _Line()
                line.requests.append(request)
                line.rows += request.rows
            self.rows += count

    def may_grow(self) -> bool:
        """Whether the next run could have more rows than wait for it, and more may wait."""
        batching = self._batching
        with self._lock:
            line = next(iter(self._lines.values()), None)
            can_share = line is not None and line.requests[0].key is not None and line.rows < batching.max_run_rows
            return can_share and self.rows < batching.max_waiting_rows

    def all(self) -> list[Waiting]:
        """Those that wait."""
        with self._lock:
            return [request for line in self._lines.values() for request in line.requests]

    def pop_late(self) -> list[Waiting]:
        """Those that `take` found too late to be run."""
        with self._lock:
            late, self._late = self._late, []
            return late

    def forget_done(self) -> None:
        """Take out what nobody waits for any more."""
        with self._lock:
            lines, self._lines = self._lines, OrderedDict()
            for key, line in lines.items():
                kept = deque(request for request in line.requests if not request.outputs.done())
                if kept:
                    self._lines[key] = _Line(kept, sum(request.rows for request in kept))
            self.rows = sum(request.room for line in self._lines.values() for request in line.requests)

    def is_too_late(self, request: Waiting, now: float) -> bool:
        """Whether its answer would come too late.

        Under overload the first in line are those whose time is nearly up; to run them until it is would make every
        answer late. Who has hardly waited is run in any case, so one long run does not bar the way to those after it.
        """
        left, waited = request.deadline - now, now - request.queued
        return left <= 0 or (left < _MARGIN * self.run_seconds and waited > self.run_seconds)

    def take(self, *, at_once: bool = False) -> tuple[list[Waiting], float]:
        """The next requests that may run together, none if it is not yet time, and the seconds until then.

        Args:
            at_once: whether it is time even where a run may wait for more requests.
        """
        with self._lock:
            seconds = 0.0
            while self._lines:
                key, seconds = self._ready(at_once)
                group = self._taken_from(key) if key is not None else []
                if group or key is None:
                    return group, seconds
            return [], NEVER

    def _ready(self, at_once: bool) -> tuple[Hashable | None, float]:
        """The first line whose time has come, else how long to wait for one."""
        wait = self._batching.wait_seconds
        if at_once or not wait:
            return next(iter(self._lines)), 0.0
        now, shortest = time.monotonic(), wait
        for key, line in self._lines.items():
            first = line.requests[0]
            left = first.queued + wait - now
            if left <= 0 or first.key is None or line.rows >= self._batching.max_run_rows:
                return key, 0.0
            shortest = min(left, shortest)
        return None, shortest

    def _taken_from(self, key: Hashable) -> list[Waiting]:
        """The next requests of a line that fit into a run, without those that nobody waits for."""
        line, group, count, now = self._lines[key], list[Waiting](), 0, time.monotonic()
        while line.requests:
            request = line.requests[0]
            is_late = self.is_too_late(request, now)
            wanted = not is_late and not request.outputs.done()
            if wanted and group and count + request.rows > self._batching.max_run_rows:
                break
            line.requests.popleft()
            line.rows -= request.rows
            self.rows -= request.room
            if wanted:
                count += request.rows
                group.append(request)
            elif is_late:
                self._late.append(request)
        if line.requests:
            self._lines.move_to_end(key)
        else:
            del self._lines[key]
        return group
