"""Requests a second of the model server, beside the model itself, a naive server and other makers' servers.

    ./dev apt-get install -y nghttp2-client      # h2load, which asks the questions
    ./dev python -m benchmarks.serving [--connections 1,16,64] [--seconds 5] [--rounds 3] [--only anchorline,litserve]

One text a request to an LSTM encoder of the original's size. Each connection sends its next request as soon as it has
the answer to the last. Servers run one after the other, and all of them several times, since machines change their
pace; with batches of at most 32 rows where they batch; those of other makers in environments of their own, made on
first use from what `benchmarks/rivals/requirements.txt` pins.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.environments import RIVALS, environment
from benchmarks.served_encoder import BATCH, SIGNATURE, TEXT
from benchmarks.usage import look_at
from serving import tensor_proto
from serving.process import ModelServer
from serving.programs import free_ports
from serving.protos import PredictRequest

PREDICT = "/tensorflow.serving.PredictionService/Predict"
START_SECONDS = 180
WARM_UP_SECONDS = 2


class Target(NamedTuple):
    """Where and how a running server is asked."""

    url: str
    body: bytes
    pid: int
    grpc: bool = False


class Load(NamedTuple):
    """What a server did at one number of connections."""

    rate: float
    """Requests a second."""
    p50: float
    """Milliseconds."""
    p99: float
    memory: float
    """Bytes of the server and its children."""
    share: float
    """Its rate over that of the model itself, BATCH rows at a time, in the same round."""


def main(
    connections: str = "1,16,64",
    seconds: int = 5,
    rounds: Annotated[int, typer.Option(help="how often everything is measured; medians are shown")] = 3,
    only: Annotated[str, typer.Option(help="names of servers, with commas between")] = "",
) -> None:
    """Print a table for each number of connections."""
    if not shutil.which("h2load"):
        sys.exit("h2load is not installed: ./dev apt-get install -y nghttp2-client")
    console = Console(width=120)
    counts = [int(count) for count in connections.split(",")]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = folder / "encoder" / "1"
        _in_child("build", model)
        servers = {
            name: serve for name, serve in SERVERS.items() if not only or name.partition(",")[0] in only.split(",")
        }
        limits: list[tuple[float, float]] = []
        measured: dict[str, list[list[Load]]] = {name: [[] for _ in counts] for name in servers}
        for _ in range(rounds):
            single, batched = (float(rate) for rate in _in_child("limit", model).split())
            limits.append((single, batched))
            console.print(f"in this process: {single:,.0f} rows/s one by one, {batched:,.0f} by {BATCH}")
            for name, serve in servers.items():
                with serve(folder, model) as target:
                    loads = [_load(target, count, seconds, folder, batched) for count in counts]
                for all_loads, load in zip(measured[name], loads, strict=True):
                    all_loads.append(load)
                console.print(f"{name}: {', '.join(f'{load.rate:,.0f}/s' for load in loads)}")
    single, batched = (statistics.median(rates) for rates in zip(*limits, strict=True))
    console.print(f"\nin this process: {single:,.0f} rows/s one by one, {batched:,.0f} by {BATCH}\n")
    for place, count in enumerate(counts):
        console.print(_table(count, {name: _median(loads[place]) for name, loads in measured.items()}))


def _median(loads: list[Load]) -> Load:
    return Load(*(statistics.median(values) for values in zip(*loads, strict=True)))


def _table(count: int, loads: Mapping[str, Load]) -> Table:
    title = f"{count} connection" + ("s" if count > 1 else "")
    table = Table(title, "requests/s", f"of the limit by {BATCH}", "p50 ms", "p99 ms", "memory", box=box.MARKDOWN)
    for name, load in loads.items():
        memory = f"{load.memory / 2**20:,.0f} MB"
        table.add_row(name, f"{load.rate:,.0f}", f"{load.share:.2f}", f"{load.p50:.1f}", f"{load.p99:.1f}", memory)
    return table


def _load(target: Target, connections: int, seconds: int, folder: Path, limit: float) -> Load:
    """Ask for so long on so many connections; fails if one answer is not 200."""
    body, log = folder / "body", folder / "log"
    body.write_bytes(target.body)
    log.unlink(missing_ok=True)
    kind = "application/grpc" if target.grpc else "application/json"
    options = ["-H", "te: trailers"] if target.grpc else ["--h1"]
    clients = ["-c", str(connections), "-t", "1", "-m", "1", "-D", str(seconds)]
    command = ["h2load", *clients, f"--warm-up-time={WARM_UP_SECONDS}", "-H", f"content-type: {kind}", *options]
    process = subprocess.Popen([*command, "-d", str(body), f"--log-file={log}", target.url], stdout=subprocess.PIPE)
    time.sleep(WARM_UP_SECONDS + seconds / 2)
    memory = look_at(target.pid).memory
    output, _ = process.communicate(timeout=seconds + 60)
    lines = np.loadtxt(log, dtype=np.int64, ndmin=2)
    lines = lines[lines[:, 1] > 0]  # without those that were under way at the end
    if process.returncode or b" 0 failed, 0 errored, 0 timeout" not in output or (lines[:, 1] != 200).any():
        raise RuntimeError(f"{target.url}: not every request was answered:\n{output.decode()}")
    milliseconds = lines[:, 2] / 1000
    p50, p99 = np.percentile(milliseconds, [50, 99])
    rate = len(lines) / seconds
    return Load(rate, float(p50), float(p99), memory, rate / limit)


# --- servers -----------------------------------------------------------------------------------------------


@contextmanager
def _rest(_: Path, model: Path) -> Iterator[Target]:
    with ModelServer({"encoder": model.parent}) as server:
        body = json.dumps({"signature_name": SIGNATURE, "instances": [TEXT]}).encode()
        yield Target(f"{server.url}/v1/models/encoder:predict", body, server.pid)


@contextmanager
def _grpc(_: Path, model: Path) -> Iterator[Target]:
    with ModelServer({"encoder": model.parent}) as server:
        yield Target(f"http://{server.host}:{server.grpc_port}{PREDICT}", _grpc_body(), server.pid, grpc=True)


def _grpc_body() -> bytes:
    """A Predict request as it is on the wire: not compressed, its length, the message."""
    request = PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "encoder", SIGNATURE
    tensor_proto.fill(request.inputs["text"], np.array([TEXT], object))
    message = request.SerializeToString()
    return b"\0" + len(message).to_bytes(4, "big") + message


@contextmanager
def _naive(folder: Path, model: Path) -> Iterator[Target]:
    command = [sys.executable, "-m", "benchmarks.rivals.naive_grpc"]
    with _started(command, folder, model) as (port, pid):
        yield Target(f"http://127.0.0.1:{port}{PREDICT}", _grpc_body(), pid, grpc=True)


@contextmanager
def _bento(folder: Path, model: Path) -> Iterator[Target]:
    command = [
        str(environment("bentoml", "bentoml", "tensorflow") / "bentoml"),
        "serve",
        "bento_service:Encoder",
        "--port",
        "{port}",
    ]
    with _started(command, folder, model) as (port, pid):
        yield Target(f"http://127.0.0.1:{port}/encode", json.dumps({"texts": [TEXT]}).encode(), pid)


@contextmanager
def _lit(folder: Path, model: Path) -> Iterator[Target]:
    command = [str(environment("litserve", "litserve", "tensorflow") / "python"), "lit_server.py"]
    with _started(command, folder, model) as (port, pid):
        yield Target(f"http://127.0.0.1:{port}/predict", json.dumps({"text": TEXT}).encode(), pid)


@contextmanager
def _mlserver(folder: Path, model: Path) -> Iterator[Target]:
    place = folder / "mlserver"
    place.mkdir(exist_ok=True)
    shutil.copy(RIVALS / "mlserver_model.py", place)
    settings = {
        "name": "encoder",
        "implementation": "mlserver_model.Encoder",
        "max_batch_size": 32,
        "max_batch_time": 0.005,
    }
    (place / "model-settings.json").write_text(json.dumps(settings))
    http, grpc, metrics = free_ports(3)
    server = {"http_port": http, "grpc_port": grpc, "metrics_port": metrics, "parallel_workers": 0, "debug": False}
    (place / "settings.json").write_text(json.dumps(server))
    body = {"inputs": [{"name": "text", "shape": [1, 1], "datatype": "BYTES", "data": [TEXT]}]}
    command = [str(environment("mlserver", "mlserver", "tensorflow") / "mlserver"), "start", str(place)]
    with _started(command, folder, model, http) as (port, pid):
        yield Target(f"http://127.0.0.1:{port}/v2/models/encoder/infer", json.dumps(body).encode(), pid)


SERVERS = {
    "anchorline, REST": _rest,
    "anchorline, gRPC": _grpc,
    "naive, gRPC": _naive,
    "bentoml, REST": _bento,
    "litserve, REST": _lit,
    "mlserver, REST": _mlserver,
}


@contextmanager
def _started(command: list[str], folder: Path, model: Path, port: int = 0) -> Iterator[tuple[int, int]]:
    """The port and process id of a server that answers; `{port}` in the command is replaced."""
    port = port or free_ports(1)[0]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "BENTOML_DO_NOT_TRACK": "True", "PYTHONWARNINGS": "ignore"}
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ["PATH"]])
    variables = os.environ | quiet | {"MODEL": str(model), "PORT": str(port), "PATH": path}
    variables["PYTHONPATH"] = str(RIVALS.parent.parent)
    log = folder / "server.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [part.replace("{port}", str(port)) for part in command],
            cwd=RIVALS,
            env=variables,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        _wait_for(port, process, log)
        yield port, process.pid
    finally:
        os.killpg(process.pid, 15)
        process.wait()
        _wait_until_free(port)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                time.sleep(5)  # some listen before their model is loaded
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} does not serve:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.2)


def _wait_until_free(port: int) -> None:
    """Workers may outlive the process that started them by a moment."""
    for _ in range(50):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.2)


# --- what needs TensorFlow, in processes that end before a server is measured --------------------------------


def _in_child(task: str, model: Path) -> str:
    command = [sys.executable, "-m", "benchmarks.served_encoder", task, str(model)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


if __name__ == "__main__":
    typer.run(main)
