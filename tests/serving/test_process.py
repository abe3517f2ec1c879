"""Starting and stopping: what is said, what is waited for, what is left behind."""

import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from serving.client import Client
from serving.process import ModelServer, ServerStartError


def wait_for_end(pid: int) -> bool:
    """Whether process `pid` ends within 20 s; it need not be a child."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 20)[0])
    finally:
        os.close(handle)


def test_one_line_when_serving_and_nothing_else(server: ModelServer) -> None:
    start = "serving zoo/7, half_plus_two/123, half_plus_three/124, odd/1, adder/1, adder/2, a b/ü/7 at"
    socket_path = server.log.split("unix:")[1].split(",")[0]
    assert server.log == (
        f"{start} gRPC {server.host}:{server.grpc_port}, gRPC unix:{socket_path}, REST {server.url}\n"
    )


def test_malformed_http_writes_nothing_and_harms_nobody(server: ModelServer, rest: Any) -> None:
    before = server.log
    with socket.create_connection((server.host, server.rest_port), timeout=20) as stranger:
        stranger.sendall(b"\x16\x03\x01 no HTTP at all\r\n\r\n")
        assert stranger.recv(100).startswith(b"HTTP/1.1 400 ")
    assert rest("GET", "/v1/models/zoo").status == 200
    assert server.log == before


def test_a_base_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ServerStartError, match=rf"model m: the base path {tmp_path}/none does not exist"):
        ModelServer({"m": tmp_path / "none"}).start()


def test_a_base_path_without_versions(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    with pytest.raises(ServerStartError, match=rf"model m: no version under the base path {tmp_path};"):
        ModelServer({"m": tmp_path}).start()


def test_no_models() -> None:
    with pytest.raises(ValueError, match="models is empty"):
        ModelServer({})


def test_a_model_that_does_not_load_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "3").mkdir()
    server = ModelServer({"m": tmp_path})
    with pytest.raises(ServerStartError) as caught:
        server.start()
    text = str(caught.value)
    assert text.startswith("the model server ended with status 1:\n")
    assert f"could not load m version 3 from {tmp_path / '3'}: SavedModel file does not exist at" in text
    assert f"1 model(s) did not become available: {{{{name: m version: 3}} from {tmp_path} due to error:" in text
    assert server.stop() is None


def test_a_flag_that_does_not_exist(saved_models: Any) -> None:
    with pytest.raises(
        ServerStartError, match=r"(?s)status 2:.*unknown flag --rest_port; did you mean --rest_api_port\?"
    ):
        ModelServer({"m": saved_models.zoo}, flags={"rest_port": "1"}).start()


@pytest.mark.parametrize("flag", ["port", "rest_api_port"])
def test_a_port_in_use(saved_models: Any, flag: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(ServerStartError, match=f"(?s)status 1:.*cannot listen on 127.0.0.1:{port}"):
            ModelServer({"m": saved_models.zoo}, flags={flag: port}).start()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_flight_is_finished_before_the_server_ends(saved_models: Any, number: signal.Signals) -> None:
    server = ModelServer({"m": saved_models.adder}).start()
    body = json.dumps({"instances": [1.0, 5.0]}).encode()
    connection = http.client.HTTPConnection(server.host, server.rest_port, timeout=20)
    connection.putrequest("POST", "/v1/models/m:predict")
    connection.putheader("Content-Length", str(len(body)))
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    assert connection.sock.recv(100).startswith(b"HTTP/1.1 100 ")  # the request has reached the application

    pid, address = server.pid, (server.host, server.rest_port)
    os.kill(pid, number)
    while True:  # until nobody new is let in
        try:
            socket.create_connection(address).close()
        except ConnectionError:
            break
    connection.send(body)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())) == (200, {"predictions": [3.0, 7.0]})
    connection.close()
    assert wait_for_end(pid)
    assert server.stop() == 0
    assert server.log.startswith("serving m/2 at ")
    assert server.log.count("\n") == 1
    with pytest.raises(RuntimeError, match="the server is not running"):
        _ = server.pid


def test_the_server_ends_with_its_parent_but_not_with_its_parents_thread(saved_models: Any) -> None:
    program = f"""
import threading
from serving.process import ModelServer
server = ModelServer({{"m": {str(saved_models.adder)!r}}})
thread = threading.Thread(target=server.start)
thread.start()
thread.join()
print(server.pid, server.grpc_port, flush=True)
threading.Event().wait()
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        pid, port = map(int, parent.stdout.readline().split())
    with Client("127.0.0.1", port) as client:
        assert client.predict("m", {"x": [1.0]})["y"].tolist() == [3.0]
    parent.kill()
    parent.wait()
    assert wait_for_end(pid)


@pytest.mark.parametrize(
    ("flag", "text", "error"),
    [
        ("batching_parameters_file", "max_batch_size { value: 0 }", "max_batch_size must be at least 1; was 0"),
        ("monitoring_config_file", "prometheus", "Error parsing text-format tensorflow.serving.MonitoringConfig"),
        ("ssl_config_file", "server_key: 'x'", "server_key must be the text of a PEM PRIVATE KEY"),
    ],
)
def test_a_configuration_file_that_cannot_be_used(
    saved_models: Any, tmp_path: Path, flag: str, text: str, error: str
) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(ServerStartError) as caught:
        ModelServer({"zoo": saved_models.zoo}, flags={flag: str(tmp_path / "file")}).start()
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(f"anchorline-model-server: --{flag}: ")
    assert error in lines[1]
