"""Nothing of a version is left in memory once it is unloaded or has failed to load: not its graph, not the batcher."""

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.server.batching import Batcher
from serving.server.model_config import ModelConfig
from serving.server.models import Models
from serving.server.request_record import RequestRecord, current
from serving.server.served import State
from serving.server.session_model import SessionModel
from serving.server.signature import Signature
from serving.server.silent_tensorflow import tf

SaveAdder = Callable[[Path, float], None]

# Serves --model_base_path with every graph watched; when the folder `next` is told to become version 2, says whether
# the graph of version 1 is still there.
_WATCHED_SERVER = """
import sys, threading, time, weakref
from pathlib import Path
from serving.server import app, session_model
from serving.server.flags import Flags

base, graphs, load = Path(sys.argv[1]), [], session_model._load

def watched(*arguments):
    loaded = load(*arguments)
    graphs.append(weakref.ref(loaded[0].graph))
    return loaded

def swap():
    while not (base / "ports").is_file():
        time.sleep(0.05)
    (base / "next").rename(base / "2")
    while len(graphs) < 2:
        time.sleep(0.05)
    deadline = time.monotonic() + 10
    while graphs[0]() is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    print([graph() is not None for graph in graphs], flush=True)

session_model._load = watched
threading.Thread(target=swap, daemon=True).start()
flags = Flags(
    port=0, rest_api_port="auto", model_base_path=str(base), file_system_poll_wait_seconds=0.05,
    ports_file=str(base / "ports"),
)
sys.exit(app.run(flags))
"""


def graphs() -> list[Any]:
    """All graphs of sessions that Python knows of, unreachable ones too; a list that is kept also keeps them there, so
    that none of another test's goes while this one counts."""
    return [thing for thing in gc.get_objects() if type(thing) is tf.Graph]


def serve(models: Models[Any], scenario: Any) -> None:
    async def main() -> None:
        try:
            await scenario()
        finally:
            await models.close()

    asyncio.run(main())


def test_the_graph_goes_though_the_model_is_still_held(tmp_path: Path, save_adder: SaveAdder) -> None:
    save_adder(tmp_path / "m" / "1", 1.0)
    save_adder(tmp_path / "2", 2.0)
    save_adder(tmp_path / "3", 3.0)
    models = Models([ModelConfig("m", tmp_path / "m")], SessionModel, poll_seconds=0)
    gc.collect()
    others = graphs()
    before = len(others)

    async def scenario() -> None:
        await models.start()
        held = [models.find("m")]
        for number in (2, 3):
            served = held[-1]
            signature = served.model.signatures["serving_default"]
            current.set(RequestRecord("REST", "predict", "1", deadline=time.monotonic() + 1000))
            (answer,) = await served.batcher.submit(signature, ("y",), [np.array([10.0], np.float32)])
            assert answer.tolist() == [9.0 + number]
            (tmp_path / str(number)).rename(tmp_path / "m" / str(number))
            await models.look()
            held.append(models.find("m"))
            assert held[-1].version == number
            assert len(graphs()) == before + 1

    serve(models, scenario)
    assert len(graphs()) == before


@pytest.mark.parametrize("when", ["reading", "warm-up"])
def test_a_version_that_failed_to_load_leaves_no_graph(tmp_path: Path, save_adder: SaveAdder, when: str) -> None:
    save_adder(tmp_path / "1", 1.0)
    save_adder(tmp_path / "incoming" / "2", 2.0)
    if when == "reading":
        (data,) = (tmp_path / "incoming" / "2" / "variables").glob("*.data-*")
        data.write_bytes(b"")

    def load(path: Path) -> SessionModel:
        model = SessionModel(path)
        if path.name == "2":
            model.run("serving_default", ("y",), [np.zeros((1, 1), np.float64)])  # of the wrong type
        return model

    models = Models([ModelConfig("m", tmp_path)], load, poll_seconds=0, retries=1, retry_seconds=0)

    async def scenario() -> None:
        await models.start()
        gc.collect()
        others = graphs()
        before = len(others)
        (tmp_path / "incoming" / "2").rename(tmp_path / "2")
        for state in (State.LOADING, State.END):
            await models.look()
            version = dict(models.status("m"))[2]
            assert version.state is state
            assert len(graphs()) == before
        assert version.error is not None
        assert (version.error.__traceback__, version.error.__cause__, version.error.__context__) == (None, None, None)

    serve(models, scenario)


def test_a_deadline_to_come_does_not_hold_what_is_closed() -> None:
    class Model:
        def run(self, _signature: str, _outputs: tuple[str, ...], inputs: list[np.ndarray]) -> list[np.ndarray]:
            return inputs

    async def main() -> None:
        model = Model()
        batcher = Batcher(model.run, "test")
        current.set(RequestRecord("REST", "predict", "1", deadline=time.monotonic() + 1000))
        await batcher.submit(Signature("s", "", {}, {}), ("y",), [np.zeros(1)])
        await batcher.close()
        left = weakref.ref(batcher), weakref.ref(model)
        del batcher, model
        gc.collect()
        assert [reference() for reference in left] == [None, None]

    asyncio.run(main())


@pytest.mark.end_to_end
def test_the_first_version_of_a_server_goes_like_any_other(tmp_path: Path, save_adder: SaveAdder) -> None:
    save_adder(tmp_path / "1", 1.0)
    save_adder(tmp_path / "next", 2.0)
    command = [sys.executable, "-c", _WATCHED_SERVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            assert json.loads(server.stdout.readline().lower()) == [False, True]
        finally:
            os.kill(server.pid, signal.SIGTERM)
    assert server.returncode == 0
