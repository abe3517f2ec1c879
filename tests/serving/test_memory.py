"""What a version took is given back when it is unloaded."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from serving.client import Client, ServingError
from serving.process import ModelServer
from serving.server.silent_tensorflow import tf

pytestmark = pytest.mark.end_to_end

MEGABYTES = 40


class Heavy(tf.Module):
    """Adds the first of many weights."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = tf.Variable(tf.fill([MEGABYTES * 2**18], 2.0))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def add(self, x: Any) -> Any:
        return {"y": x + self.weights[0]}


def resident_megabytes(pid: int) -> int:
    lines = Path("/proc", str(pid), "status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) // 1024


def swap(server: ModelServer, base: Path, version: int) -> None:
    shutil.copytree(base / str(version - 1), base / "next")
    (base / "next").rename(base / str(version))
    deadline = time.monotonic() + 60
    with Client(server.host, server.grpc_port) as client:
        while True:
            try:
                assert client.predict("heavy", {"x": [1.0]}, version=version)["y"].tolist() == [3.0]
            except ServingError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            else:
                break
        while True:  # until the old one is gone
            try:
                client.predict("heavy", {"x": [1.0]}, version=version - 1)
            except ServingError:
                break
            assert time.monotonic() < deadline
            time.sleep(0.02)
    shutil.rmtree(base / str(version - 1))


def test_memory_stays_flat_over_swaps(tmp_path: Path) -> None:
    heavy = Heavy()
    base = tmp_path / "heavy"
    tf.saved_model.save(heavy, str(base / "1"), signatures={"serving_default": heavy.add})
    with ModelServer({"heavy": base}, flags={"file_system_poll_wait_seconds": "0.05"}) as server:
        resident = []
        for version in range(2, 8):
            swap(server, base, version)
            time.sleep(0.2)
            resident.append(resident_megabytes(server.pid))
    assert max(resident[1:]) < resident[0] + MEGABYTES, resident
