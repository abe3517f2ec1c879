"""What a client, or a probe, meets before every model has a version, and after."""

import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

pytestmark = pytest.mark.end_to_end

HOST = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind((HOST, 0))
        return int(bound.getsockname()[1])


def health(port: int, seconds: float) -> grpc.StatusCode | int:
    """Of all models, or why it cannot be told."""
    with grpc.insecure_channel(f"{HOST}:{port}") as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=seconds)
        except grpc.RpcError as error:
            return error.code()
    return int(answer.status)


def test_nothing_answers_before_every_model_has_a_version(
    tmp_path: Path, save_adder: Callable[[Path, float], None]
) -> None:
    base = tmp_path / "base"
    base.mkdir()
    save_adder(tmp_path / "1", 1.0)
    rpc, rest = free_port(), free_port()
    flags = [f"--model_base_path={base}", f"--port={rpc}", f"--rest_api_port={rest}"]
    command = [sys.executable, "-m", "serving.server", *flags, "--file_system_poll_wait_seconds=0.05"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            assert server.stderr.readline().startswith("No versions of servable default found")
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((HOST, rest), timeout=5)
            assert health(rpc, seconds=0.5) is grpc.StatusCode.DEADLINE_EXCEEDED
            (tmp_path / "1").rename(base / "1")
            assert server.stderr.readline().startswith("serving default/1 at ")
            with urllib.request.urlopen(f"http://{HOST}:{rest}/readyz", timeout=5) as answer:
                assert (answer.status, answer.read()) == (200, b'{"default": true}')
            assert health(rpc, seconds=5) == health_pb2.HealthCheckResponse.SERVING
        finally:
            server.terminate()
