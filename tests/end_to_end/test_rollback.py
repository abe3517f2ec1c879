"""Two versions, one of them a canary, and a rollback. Through TF Serving's flags."""

import shutil
import signal
from pathlib import Path

import pytest

from serving.client import Client
from tests.end_to_end.command_line import anchorline, start, versions
from tests.end_to_end.test_commands import free_port, wait_until_available
from tests.serving.stand_in import StandIn

pytestmark = pytest.mark.end_to_end

QUESTION = "What about the cost of a fence?"


def test_canary_and_rollback(pushed: Path, tmp_path: Path) -> None:
    config = shutil.copytree(pushed.parent, tmp_path / "copy") / pushed.name  # here something else is pushed as well
    serving = config.parent / "out" / "small" / "serving" / "small"
    run = anchorline("run", config, "--set", "train.epochs=1", "--set", "gates.mrr.max_drop=1")
    assert run.returncode == 0, run.stdout + run.stderr
    first, second = sorted(map(int, versions(serving)))

    stand_in = StandIn(tmp_path)
    grpc, rest = free_port(), free_port()
    ports = ["--port", str(grpc), "--rest-port", str(rest)]
    with start("serve", config, "--binary", stand_in.path, "--canary", str(second), *ports) as server:
        try:
            wait_until_available(f"http://127.0.0.1:{rest}/v1/models/small/versions/{first}")
            wait_until_available(f"http://127.0.0.1:{rest}/v1/models/small/versions/{second}")
            with Client("127.0.0.1", grpc) as client:
                assert client.metadata("small", label="stable").version == first
                assert client.metadata("small", label="canary").version == second
                assert client.search("small", [QUESTION], label="canary")[0][0].candidate
            assert int(stand_in.calls[0]["pid"]) == server.pid  # and so every signal reaches the server
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0

    rolled = anchorline("rollback", config)
    assert rolled.returncode == 0, rolled.stderr
    newest = max(int(name) for name in versions(serving) if name.isdecimal())
    assert newest > second
    assert f"version {newest}, a copy of {first}, is in production in place of {second}" in rolled.stdout
    lines = [line.rstrip() for line in anchorline("runs", config).stdout.splitlines()]
    assert lines[1].endswith(f"rollback to {first}, as {newest}")
    assert lines[2].endswith(f"pushed {second}  ← rolled back")
    # other tests run this pipeline too, and their runs may stand between the two
    assert any(line.endswith(f"pushed {first}  ← in production, as {newest}") for line in lines[3:])
