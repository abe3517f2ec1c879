"""The greedy batcher: one worker thread runs whatever is waiting, together, and never waits for more.

Under light load every request runs alone and at once; under heavy load requests pile up while a run is going on and
share the next one. There is no timer, so nothing is ever delayed in the hope of company.
"""

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np

# Beyond this many rows a run takes longer but no less a row, and the first in line would only wait for the last.
MAX_ROWS = 32

# (signature name, names of the wanted outputs, inputs) → outputs; serving.server.session_model.SessionModel.run
Run = Callable[[str, tuple[str, ...], list[np.ndarray]], list[np.ndarray]]
Outcome = list[np.ndarray] | BaseException


@dataclass(slots=True, eq=False)
class _Request:
    signature: str
    outputs: tuple[str, ...]
    inputs: list[np.ndarray]
    rows: int
    future: asyncio.Future[list[np.ndarray]]


class Batcher:
    """Runs requests in a thread of its own, in the order of arrival as far as sharing allows.

    Requests share a run only if they call the same signature for the same outputs with inputs of equal types and, but
    for the number of rows, equal shapes. A request that fails together with others is run again alone: nobody gets
    another's error.
    """

    def __init__(self, run: Run, name: str, *, max_rows: int = MAX_ROWS):
        self._run = run
        self._max_rows = max_rows
        self._waiting: OrderedDict[Hashable, deque[_Request]] = OrderedDict()
        self._alone: set[tuple[str, tuple[str, ...]]] = (
            set()
        )  # calls whose outputs turned out not to have a row for each row
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=f"batcher {name}", daemon=True)
        self._thread.start()

    def submit(
        self, signature: str, outputs: tuple[str, ...], inputs: list[np.ndarray], *, share: bool
    ) -> asyncio.Future[list[np.ndarray]]:
        """Queue one request from the running event loop. One that is cancelled before its run starts is never run.

        Args:
            signature: the signature's name.
            outputs: the wanted outputs.
            inputs: one array for each input of the signature, in its order.
            share: whether rows of several requests may run together.

        Returns:
            The outputs in their order, or the StatusError of the run.
        """
        rows = _common_rows(inputs)
        future = asyncio.get_running_loop().create_future()
        request = _Request(signature, outputs, inputs, rows, future)
        key: Hashable = request  # equal to itself only
        if share and rows and (signature, outputs) not in self._alone:
            key = (signature, outputs, tuple((array.dtype, array.shape[1:]) for array in inputs))
        with self._changed:
            if self._closed:
                raise RuntimeError("the batcher is closed")
            self._waiting.setdefault(key, deque()).append(request)
            self._changed.notify()
        return future

    def close(self) -> None:
        """Finish what is queued, then end the thread. Blocks until then."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while group := self._take():
            group = [request for request in group if not request.future.cancelled()]
            if group:
                _deliver(group, self._outcomes(group))

    def _take(self) -> list[_Request]:
        """The next requests that may run together, at least one; none once closed and empty."""
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return []
                self._changed.wait()
            key, queue = next(iter(self._waiting.items()))
            group = [queue.popleft()]
            rows = group[0].rows
            while queue and rows + queue[0].rows <= self._max_rows:
                rows += queue[0].rows
                group.append(queue.popleft())
            if queue:
                self._waiting.move_to_end(key)
            else:
                del self._waiting[key]
            return group

    def _outcomes(self, group: list[_Request]) -> list[Outcome]:
        if len(group) > 1:
            try:
                return self._run_together(group)
            except Exception:  # noqa: BLE001, S110  (found out below, one by one, whose fault it is)
                pass
        return [self._run_alone(request) for request in group]

    def _run_alone(self, request: _Request) -> Outcome:
        try:
            return self._run(request.signature, request.outputs, request.inputs)
        except Exception as error:  # noqa: BLE001  (it is handed to the one who asked)
            return error

    def _run_together(self, group: list[_Request]) -> list[Outcome]:
        first = group[0]
        inputs = [np.concatenate(arrays) for arrays in zip(*(request.inputs for request in group), strict=True)]
        results = self._run(first.signature, first.outputs, inputs)
        total = sum(request.rows for request in group)
        if any(result.ndim == 0 or len(result) != total for result in results):
            self._alone.add((first.signature, first.outputs))
            raise ValueError("the outputs do not have one row for each input row")
        outcomes: list[Outcome] = []
        start = 0
        for request in group:
            outcomes.append([result[start : start + request.rows] for result in results])
            start += request.rows
        return outcomes


def _common_rows(inputs: list[np.ndarray]) -> int:
    """The number of rows that all inputs have; 0 if they differ or have none."""
    counts = {len(array) if array.ndim else 0 for array in inputs}
    return counts.pop() if len(counts) == 1 else 0


def _deliver(group: list[_Request], outcomes: list[Outcome]) -> None:
    """Hand the outcomes over to the event loop, in one call."""
    futures = [request.future for request in group]
    futures[0].get_loop().call_soon_threadsafe(_settle, futures, outcomes)


def _settle(futures: list[asyncio.Future[list[np.ndarray]]], outcomes: list[Outcome]) -> None:
    for future, outcome in zip(futures, outcomes, strict=True):
        if future.cancelled():
            continue
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
