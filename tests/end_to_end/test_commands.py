"""What a user does around a run: look at the data, hold it against a schema, serve, ask over the network."""

import json
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.end_to_end.command_line import anchorline, small_faq, start, write_faq

pytestmark = pytest.mark.end_to_end


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_data_shows_what_a_run_would_make_of_it(small_config: Path) -> None:
    write_faq(small_config.parent / "faq.csv", [*small_faq(), ("Nothing?", ""), small_faq()[0]])
    shown = anchorline("data", small_config)
    assert shown.returncode == 0, shown.stderr
    lines = {line[:20].strip(): line[20:].strip() for line in shown.stdout.splitlines()}
    assert lines["rows"] == "112"
    assert lines["repeated rows"] == "1"
    assert lines["different answers"] == "110"
    assert lines["set aside"].startswith("1 × empty answer, first ")
    assert lines["set aside"].endswith("faq.csv:112")


def test_data_says_when_a_run_would_stop(small_config: Path) -> None:
    shown = anchorline("data", small_config, "--set", "data.splits={train: 1, validation: 1, test: 9999}")
    assert shown.returncode == 1
    assert "No row fell into the split train" in shown.stderr


def test_a_committed_schema_stops_data_that_lacks_a_column(pushed: Path) -> None:
    (inferred,) = (pushed.parent / "out/small/artifacts/schema/schema").glob("*/schema.pbtxt")
    schema = pushed.parent / "schema.pbtxt"
    more = 'feature {\n  name: "url"\n  type: BYTES\n  presence { min_fraction: 1.0 min_count: 1 }\n}\n'
    schema.write_text(inferred.read_text() + more)
    stopped = anchorline("run", pushed, "--set", f"schema_path={schema}")
    assert stopped.returncode == 1
    assert "step anomalies failed: the data has 3 anomalies:" in stopped.stderr
    for split in ("train", "validation", "test"):
        assert f"{split}, url: " in stopped.stderr


def test_serve_answers_over_grpc_and_rest_until_told_to_stop(pushed: Path) -> None:
    grpc, rest = free_port(), free_port()
    question, answer = small_faq()[0]
    with start("serve", pushed, "--port", str(grpc), "--rest-port", str(rest)) as server:
        try:
            wait_until_available(f"http://127.0.0.1:{rest}/v1/models/small")
            asked = anchorline("ask", pushed, question, "--server", f"127.0.0.1:{grpc}", "--top", "1")
            assert answer in asked.stdout
            body = json.dumps({"instances": [question]}).encode()
            url = f"http://127.0.0.1:{rest}/v1/models/small:predict"
            with urllib.request.urlopen(urllib.request.Request(url, body)) as response:
                (prediction,) = json.load(response)["predictions"]
            assert prediction["candidates"][0] == answer
            assert len(prediction["ids"]) == len(prediction["scores"]) == 10
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0


def wait_until_available(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url) as response:
                if json.load(response)["model_version_status"][0]["state"] == "AVAILABLE":
                    return
        except urllib.error.URLError:
            time.sleep(0.05)
    pytest.fail(f"{url} is not available")
