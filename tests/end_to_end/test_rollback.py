"""Two versions, one of them a canary; rolled back; and what the next run makes of it. Through TF Serving's flags."""

import signal
from pathlib import Path

import pytest

from serving.client import Client
from tests.end_to_end.command_line import anchorline, start, versions
from tests.end_to_end.test_commands import free_port, wait_until_available
from tests.serving.stand_in import StandIn

pytestmark = pytest.mark.end_to_end

QUESTION = "What about the cost of a fence?"


def test_canary_and_rollback(small_config: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    serving = small_config.parent / "out" / "small" / "serving" / "small"
    other = ["--set", "train.epochs=1", "--set", "gates.mrr.max_drop=1"]
    assert anchorline("run", small_config).returncode == 0
    assert anchorline("run", small_config, *other).returncode == 0
    first, second = sorted(map(int, versions(serving)))

    stand_in = StandIn(tmp_path_factory.mktemp("binary"))
    grpc, rest = free_port(), free_port()
    ports = ["--port", str(grpc), "--rest-port", str(rest)]
    with start("serve", small_config, "--binary", stand_in.path, "--canary", str(second), *ports) as server:
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

    rolled = anchorline("rollback", small_config)
    assert rolled.returncode == 0, rolled.stderr
    newest = max(int(name) for name in versions(serving) if name.isdecimal())
    assert newest > second
    assert f"version {newest}, a copy of {first}, is in production in place of {second}" in rolled.stdout
    lines = [line.rstrip() for line in anchorline("runs", small_config).stdout.splitlines()]
    assert lines[1].endswith(f"rollback to {first}, as {newest}")
    assert lines[2].endswith(f"pushed {second}  ← rolled back")
    assert lines[3].endswith(f"pushed {first}  ← in production, as {newest}")

    again = anchorline("run", small_config, *other)
    assert again.returncode == 3, again.stdout + again.stderr
    assert f"not pushed: same as {second}, which was rolled back; production stays as it is" in again.stdout
    assert max(int(name) for name in versions(serving) if name.isdecimal()) == newest
