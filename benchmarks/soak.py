"""Requests by the hundred thousand while versions are swapped and the configuration is reloaded.

    ./dev python -m benchmarks.soak [--requests 200000] [--connections 8] [--swap-seconds 1]

See `benchmarks.swaps` for what changes. Each answer is held against what it may be: no error, no version that was not
served then, over gRPC the version that the answer claims. The server's memory must stay as it is after the first swaps.
Ends with 1 if anything is wrong.
"""

import asyncio
import itertools
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import grpc
import numpy as np
import typer
import uvloop
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.asking import Answer, Connection, GrpcConnection, RestConnection
from benchmarks.half_plus import save_template
from benchmarks.swaps import Address, NotTakenError, Swaps
from serving.process import ModelServer

POLL_SECONDS = 0.2
TIMEOUT = 30.0
SETTLED = 3
"""Swaps after which memory must not grow any more: by then each model has been loaded and given back."""

GROWTH = 1.1
_SAMPLE_SECONDS = 0.25
_SHOWN = 10
_KINDS = ("Rss", "Pss", "Anonymous")


class Sample(NamedTuple):
    """The server's memory in bytes after so many swaps."""

    swaps: int
    memory: dict[str, int]


@dataclass
class Result:
    """What was seen."""

    requests: Counter[str] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    swaps: int = 0
    reloads: int = 0
    seconds: float = 0.0

    def memory(self, kind: str) -> tuple[int, int]:
        """The most memory until it is settled, and after."""
        early = [sample.memory[kind] for sample in self.samples if sample.swaps <= SETTLED]
        late = [sample.memory[kind] for sample in self.samples if sample.swaps > SETTLED]
        return max(early, default=0), max(late, default=0)

    def all_faults(self) -> list[str]:
        """A sentence for each thing that is wrong."""
        faults = list(self.faults)
        if self.swaps <= SETTLED:
            faults.append(f"only {self.swaps} swaps were made, more than {SETTLED} are needed to judge the memory")
        before, after = self.memory("Rss")
        if after > GROWTH * before:
            faults.append(f"memory grew from {before >> 20} MB to {after >> 20} MB")
        return faults


def soak(requests: int, connections: int, swap_seconds: float) -> Result:
    """Ask a server of our own so often, half of it over REST and half over gRPC, on so many connections each."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        save_template(folder / "template")
        swaps = Swaps(folder, folder / "template", TIMEOUT)
        flags = {
            "model_config_file": str(swaps.config_file),
            "model_config_file_poll_wait_seconds": str(POLL_SECONDS),
            "file_system_poll_wait_seconds": str(POLL_SECONDS),
        }
        with ModelServer({"rolling": folder / "rolling"}, flags=flags) as server:
            result = uvloop.run(_soak(server, swaps, requests, connections, swap_seconds))
            result.faults += [f"the server wrote: {line}" for line in server.log.splitlines()[1:]]
    return result


async def _soak(server: ModelServer, swaps: Swaps, requests: int, connections: int, swap_seconds: float) -> Result:
    result = Result()
    over_rest, over_grpc = iter(range(requests // 2)), iter(range(requests - requests // 2))
    opened: list[tuple[RestConnection | GrpcConnection, Iterator[int]]] = []
    for _ in range(connections):
        opened.append((await RestConnection.open(server.host, server.rest_port), over_rest))
        opened.append((await GrpcConnection.open(server.host, server.grpc_port), over_grpc))
    started = time.monotonic()
    sampler = asyncio.create_task(_sample(server.pid, swaps, result))
    async with grpc.aio.insecure_channel(f"{server.host}:{server.grpc_port}") as channel:
        swapper = asyncio.create_task(_keep_swapping(swaps, channel, swap_seconds, result))
        await asyncio.gather(*(_ask_on(connection, numbers, swaps, result) for connection, numbers in opened))
        result.seconds = time.monotonic() - started
        for task in (swapper, sampler):
            task.cancel()
        for outcome in await asyncio.gather(swapper, sampler, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome
    await asyncio.gather(*(connection.close() for connection, _ in opened))
    result.swaps, result.reloads = swaps.swapped, swaps.reloaded
    return result


async def _keep_swapping(swaps: Swaps, channel: grpc.aio.Channel, seconds: float, result: Result) -> None:
    for number in itertools.count(1):
        due = time.monotonic() + seconds
        try:
            await swaps.swap(channel)
        except (NotTakenError, grpc.RpcError) as error:
            result.faults.append(f"swap {number}: {error}")
            return
        await asyncio.sleep(due - time.monotonic())


async def _ask_on(
    connection: RestConnection | GrpcConnection, numbers: Iterator[int], swaps: Swaps, result: Result
) -> None:
    draw = random.Random(id(connection))
    for _ in numbers:
        address = draw.choice(swaps.open_addresses())
        began = time.monotonic()
        fault = await _ask(connection, address, 2.0 * draw.randrange(1000))
        result.milliseconds.append((time.monotonic() - began) * 1000)
        result.requests[connection.api] += 1
        if fault:
            result.faults.append(f"{connection.api} {address.spec}: {fault}")
            if len(result.faults) > _SHOWN:
                return


async def _ask(connection: Connection, address: Address, x: float) -> str:
    """Ask once. Returns what is wrong with the answer, "" if nothing is."""
    oldest = address.oldest
    address.in_flight += 1
    try:
        answer = await connection.ask(address.spec, x, TIMEOUT)
    finally:
        address.in_flight -= 1
    return judge(answer, address, oldest, x)


def judge(answer: Answer, address: Address, oldest: int, x: float) -> str:
    """What is wrong with the answer to a request that was sent when `oldest` was the oldest version allowed."""
    if answer.code is not grpc.StatusCode.OK:
        return answer.error
    version = answer.y - x / 2
    if not oldest <= version <= address.newest:
        return f"answered by version {version:g}, allowed were {oldest} to {address.newest}"
    if not version.is_integer():
        return f"answered by version {version:g}, which is none"
    if answer.version not in {None, version}:
        return f"answered by version {version:g}, which said it were {answer.version}"
    address.oldest = max(address.oldest, int(version))
    return ""


async def _sample(pid: int, swaps: Swaps, result: Result) -> None:
    while True:
        result.samples.append(Sample(swaps.swapped, await asyncio.to_thread(memory_of, pid)))
        await asyncio.sleep(_SAMPLE_SECONDS)


def memory_of(pid: int) -> dict[str, int]:
    """Bytes of a process: resident; its share of them where others share; without files, which is what can leak."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines)}
    return {kind: kilobytes[kind] * 1024 for kind in _KINDS}


def main(requests: int = 200_000, connections: int = 8, swap_seconds: float = 1.0) -> None:
    """Print what was seen."""
    result = soak(requests, connections, swap_seconds)
    table = Table("", "", box=box.MARKDOWN)
    for api, count in sorted(result.requests.items()):
        table.add_row(f"requests over {api}", f"{count:,}")
    table.add_row("seconds", f"{result.seconds:.1f}")
    table.add_row("swaps of versions", f"{result.swaps}")
    table.add_row("reloads by HandleReloadConfigRequest, by file", f"{result.reloads}, {result.swaps - result.reloads}")
    p50, p99, most = np.percentile(result.milliseconds, [50, 99, 100])
    table.add_row("p50, p99, longest", f"{p50:.1f} ms, {p99:.1f} ms, {most:.1f} ms")
    for kind in _KINDS:
        before, after = result.memory(kind)
        table.add_row(f"{kind}, most in {SETTLED} swaps, after", f"{before >> 20} MB, {after >> 20} MB")
    faults = result.all_faults()
    table.add_row("faults", f"{len(faults)}")
    Console(width=120).print(table)
    for fault in faults[:_SHOWN]:
        print(fault)
    sys.exit(bool(faults))


if __name__ == "__main__":
    typer.run(main)
