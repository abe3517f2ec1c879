"""What a server does that is asked for twice of what it can do.

    ./dev python -m benchmarks.overload [--seconds 10] [--times 2]

Before and after, its capacity is measured: each connection sends its next request when it has the answer to the last.
In between requests are sent at twice that rate whatever comes back, half over REST and half over gRPC, each with a
deadline. An answer must be right and in time, or say RESOURCE_EXHAUSTED, or DEADLINE_EXCEEDED when the deadline has
come; right answers must not become rare; and as soon as the load is gone a request must be answered as before it came.
Ends with 1 if not.

Two servers are asked: one in which only few rows may wait, so that most of what is too much is refused, and one in
which so many may wait that all would be too late if the server took them in turn until their time is up.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import typer
import uvloop
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.asking import Answer, GrpcConnection, RestConnection, Spec
from serving.process import ModelServer

SPEC = Spec("busy")
DEADLINE = 0.5
SLACK = 0.5
"""Seconds in which an answer that is due must have come; the one who asks is busy too."""

LEAST_SHARE = 0.6
RECOVERY_SECONDS = 1.0

_TURNS_A_ROW = 1500
"""About 3 ms of work, so that asking costs little beside it."""

_CLOSED_CONNECTIONS = 8
_QUIET_REQUESTS = 30
_PATIENCE = 20.0


class Queue(NamedTuple):
    """How requests may wait."""

    name: str
    batches: int


QUEUES = (Queue("short queue", 8), Queue("long queue", 1000))
_BATCH = 4

Kind = type[RestConnection] | type[GrpcConnection]


@dataclass
class Result:
    """What became of the requests of one server; rates are a second."""

    queue: str
    capacity: float
    quiet: float
    """Seconds that one request takes where there are no others."""

    seconds: float = 0.0
    ended: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    longest: float = 0.0
    recovery: float = 0.0

    @property
    def sent(self) -> float:
        """Requests."""
        return self.ended.total() / self.seconds

    @property
    def good(self) -> float:
        """Right answers."""
        return self.ended["OK"] / self.seconds

    def all_faults(self, least_share: float = LEAST_SHARE) -> list[str]:
        """A sentence for each thing that is wrong; right answers are to be at least this share of the capacity."""
        faults = list(self.faults)
        if self.good < least_share * self.capacity:
            faults.append(f"only {self.good:.0f} right answers a second, of {self.capacity:.0f} it is able to")
        if self.recovery > RECOVERY_SECONDS:
            faults.append(f"{self.recovery:.2f} s until a request was answered as before")
        return [f"{self.queue}: {fault}" for fault in faults]


def overload(queue: Queue, seconds: float, times: float) -> Result:
    """Ask a server of our own for so many times of its capacity."""
    with _server(queue) as server:
        return uvloop.run(_overload(server, queue, seconds, times))


@contextmanager
def _server(queue: Queue) -> Iterator[ModelServer]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        command = [sys.executable, "-m", "benchmarks.overload", "save", str(folder / "busy" / "1")]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        batching = folder / "batching.config"
        batching.write_text(
            f"max_batch_size {{ value: {_BATCH} }} batch_timeout_micros {{ value: 0 }}"
            f" max_enqueued_batches {{ value: {queue.batches} }}"
        )
        flags = {"batching_parameters_file": str(batching), "rest_api_timeout_in_ms": f"{DEADLINE * 1000:.0f}"}
        with ModelServer({SPEC.name: folder / "busy"}, flags=flags) as server:
            yield server


async def _overload(server: ModelServer, queue: Queue, seconds: float, times: float) -> Result:
    crowd = _Crowd(server)
    quiet = [await crowd.timed(RestConnection) for _ in range(_QUIET_REQUESTS)]
    result = Result(queue.name, await crowd.capacity(seconds / 3), statistics.median(quiet))
    started = time.monotonic()
    await crowd.send(result.capacity * times, seconds, result)
    ended = time.monotonic()
    result.seconds = ended - started
    while await crowd.timed(RestConnection) > 3 * max(quiet) and result.recovery < _PATIENCE:
        result.recovery = time.monotonic() - ended
    # Others may have begun to use the machine.
    result.capacity = min(result.capacity, await crowd.capacity(seconds / 3))
    await crowd.close()
    return result


class _Crowd:
    """Many who ask, each on a connection of its own."""

    def __init__(self, server: ModelServer):
        self._server = server
        self._idle: dict[Kind, deque[Any]] = {RestConnection: deque(), GrpcConnection: deque()}

    async def close(self) -> None:
        """Hang up."""
        for connections in self._idle.values():
            for connection in connections:
                await connection.close()

    async def timed(self, kind: Kind) -> float:
        """Seconds until the right answer to one request, asked as often as it takes."""
        began = time.monotonic()
        while (await self._ask(kind, 1.0, _PATIENCE)).code is not grpc.StatusCode.OK:
            began = time.monotonic()
        return time.monotonic() - began

    async def capacity(self, seconds: float) -> float:
        """Right answers a second when each waits for one before asking for the next."""
        end = time.monotonic() + seconds
        right = 0

        async def keep_asking(kind: Kind) -> None:
            nonlocal right
            while time.monotonic() < end:
                answer = await self._ask(kind, 1.0, _PATIENCE)
                right += answer.code is grpc.StatusCode.OK

        kinds: tuple[Kind, Kind] = (RestConnection, GrpcConnection)
        await asyncio.gather(*(keep_asking(kind) for kind in kinds for _ in range(_CLOSED_CONNECTIONS // 2)))
        return right / seconds

    async def send(self, rate: float, seconds: float, result: Result) -> None:
        """Send so many requests a second, whatever becomes of them."""
        began = time.monotonic()
        tasks = []
        for number in range(round(rate * seconds)):
            await asyncio.sleep(max(began + number / rate - time.monotonic(), 0))
            kind: Kind = GrpcConnection if number % 2 else RestConnection
            tasks.append(asyncio.create_task(self._request(kind, float(number % 1000), result)))
        await asyncio.gather(*tasks)

    async def _request(self, kind: Kind, x: float, result: Result) -> None:
        began = time.monotonic()
        # Over REST the server knows the deadline, and is waited for a little longer than that.
        timeout = DEADLINE if kind is GrpcConnection else DEADLINE + SLACK
        answer = await self._ask(kind, x, timeout)
        seconds = time.monotonic() - began
        result.longest = max(result.longest, seconds)
        result.ended[answer.code.name] += 1
        if fault := judge(answer, x, seconds):
            result.faults.append(f"{kind.api}: {fault}")

    async def _ask(self, kind: Kind, x: float, timeout: float) -> Answer:
        idle = self._idle[kind]
        port = self._server.rest_port if kind is RestConnection else self._server.grpc_port
        connection = idle.pop() if idle else await kind.open(self._server.host, port)
        answer = await connection.ask(SPEC, x, timeout)
        if answer.error == "no answer":
            await connection.close()
        else:
            idle.append(connection)
        return answer


def judge(answer: Answer, x: float, seconds: float) -> str:
    """What is wrong with an answer that took so long, "" if nothing is."""
    if seconds > DEADLINE + SLACK:
        return f"an answer after {seconds:.2f} s: {answer}"
    if answer.code is grpc.StatusCode.OK:
        return "" if answer.y == x + 1 else f"{answer.y} for {x}"
    if answer.error == "no answer":
        return f"no answer within {DEADLINE + SLACK:g} s"
    if answer.code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return "" if seconds > DEADLINE / 2 else f"DEADLINE_EXCEEDED after {seconds:.2f} s"
    return "" if answer.code is grpc.StatusCode.RESOURCE_EXHAUSTED else answer.error


def save(folder: str) -> None:
    """Write the model: y = x + 1, and for each row a loop that takes some milliseconds."""
    import tensorflow as tf

    class Busy(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
        def run(self, x: Any) -> Any:
            turns = tf.size(x) * _TURNS_A_ROW
            done = tf.while_loop(lambda turn: turn < turns, lambda turn: [turn + 1], [tf.constant(0)])[0]
            return {"y": x + tf.cast(done // turns, tf.float32)}

    model = Busy()
    tf.saved_model.save(model, folder, signatures={"serving_default": model.run})


def main(seconds: float = 10.0, times: float = 2.0) -> None:
    """Print what became of the requests."""
    results = [overload(queue, seconds, times) for queue in QUEUES]
    table = Table("", *(result.queue for result in results), box=box.MARKDOWN)
    table.add_row("right answers a second, as fast as it can", *(f"{result.capacity:.0f}" for result in results))
    table.add_row("requests a second then sent", *(f"{result.sent:.0f}" for result in results))
    for name, code in (("right", "OK"), ("refused", "RESOURCE_EXHAUSTED"), ("too late", "DEADLINE_EXCEEDED")):
        rates = (result.ended[code] / result.seconds for result in results)
        table.add_row(f"of these a second {name}", *(f"{rate:.0f}" for rate in rates))
    table.add_row("longest answer", *(f"{result.longest:.2f} s" for result in results))
    table.add_row("one request in quiet", *(f"{result.quiet * 1000:.1f} ms" for result in results))
    table.add_row("as before again after", *(f"{result.recovery:.2f} s" for result in results))
    faults = [fault for result in results for fault in result.all_faults()]
    table.add_row("faults", str(len(faults)))
    Console(width=120).print(table)
    for fault in faults[:10]:
        print(fault)
    sys.exit(bool(faults))


if __name__ == "__main__":
    if sys.argv[1:2] == ["save"]:
        save(sys.argv[2])
    else:
        typer.run(main)
