"""A cluster on this machine: who is in it, and its workers as processes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from components.train.distribute import CLUSTER


def describe(monkeypatch: pytest.MonkeyPatch, index: int, workers: list[str]) -> None:
    """Make this process, and those it starts, the worker of this index."""
    content = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
    monkeypatch.setenv(CLUSTER, json.dumps(content))


def free_addresses() -> list[str]:
    """Two that nobody listens on."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(2)]
    addresses = [f"localhost:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return addresses


def start_worker(folder: Path) -> subprocess.Popen[str]:
    """As the worker that this process is described as."""
    command = [sys.executable, "-m", "components.train.worker", str(folder), "--wait=120"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
