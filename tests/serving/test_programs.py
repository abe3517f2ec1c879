"""TF Serving's binary in place of our server, by a stand-in that takes its flags alone."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from serving.client import Client
from serving.process import ModelServer, ServerStartError
from serving.programs import find_binary
from tests.serving.stand_in import StandIn
from tests.serving.test_process import wait_for_end


@pytest.fixture
def stand_in(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path)


def test_it_is_started_on_free_ports_with_its_own_flags(stand_in: StandIn, saved_models: Any) -> None:
    models = {"one": saved_models.adder, "two": saved_models.zoo}
    with ModelServer(models, binary=stand_in.path, flags={"enable_batching": "false"}) as server:
        (call,) = stand_in.calls
        assert call["port"] == str(server.grpc_port)
        assert call["rest_api_port"] == str(server.rest_port)
        assert call["enable_batching"] == "false"
        assert int(call["pid"]) == server.pid
        with Client(server.host, server.grpc_port) as client:
            assert client.predict("one", {"x": [1.0]})["y"].tolist() == [3.0]
            assert client.status("two")[0].version == 7
    assert wait_for_end(int(call["pid"]))


def test_it_ends_with_its_parent(stand_in: StandIn, saved_models: Any) -> None:
    program = f"""
import threading
from serving.process import ModelServer
server = ModelServer({{"m": {str(saved_models.adder)!r}}}, binary={str(stand_in.path)!r}).start()
print(server.pid, flush=True)
threading.Event().wait()
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    assert wait_for_end(pid)


def test_a_binary_that_ends_at_once_is_told_with_its_words(tmp_path: Path, saved_models: Any) -> None:
    program = tmp_path / "broken"
    program.write_text("#!/bin/sh\necho no such library >&2\nexit 4\n")
    program.chmod(0o755)
    with pytest.raises(ServerStartError, match=r"(?s)ended with status 4:.*no such library"):
        ModelServer({"m": saved_models.adder}, binary=program).start()


def test_a_binary_that_is_none(tmp_path: Path, saved_models: Any) -> None:
    (tmp_path / "notes").write_text("no program")
    with pytest.raises(ServerStartError, match="notes cannot be run: Permission denied"):
        ModelServer({"m": saved_models.adder}, binary=tmp_path / "notes").start()


def test_it_is_found_on_path(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_binary() is None
    monkeypatch.setenv("PATH", f"/nowhere:{stand_in.path.parent}")
    assert find_binary() == str(stand_in.path)
