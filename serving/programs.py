"""What can be run as a model server: our own, or TF Serving's binary; how each is started, and when it serves."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from grpc import StatusCode

from serving.client import Client, ServingError, State

BINARY = "tensorflow_model_server"
HOST = "127.0.0.1"

_LOOK_TIMEOUT = 5.0


class Ports(NamedTuple):
    """Where a server answers."""

    grpc: int
    rest: int


class Program(Protocol):
    """A model server that can be started, on ports that it or we choose."""

    def command(self, flags: Mapping[str, str]) -> list[str]:
        """The command line that serves with these flags on free ports of the loopback interface."""

    def ports(self) -> Ports | None:
        """Where it serves; None as long as not every model is available."""


class OwnServer:
    """`python -m serving.server`, which takes free ports itself and writes them into `folder` when it serves."""

    def __init__(self, folder: Path):
        self._file = folder / "ports.json"

    def command(self, flags: Mapping[str, str]) -> list[str]:
        """See `Program`."""
        ours = {
            "port": "auto",
            "rest_api_port": "auto",
            "host": HOST,
            "ports_file": str(self._file),
            "die_with_parent": "true",
        }
        return [sys.executable, "-m", "serving.server", *as_arguments({**ours, **flags})]

    def ports(self) -> Ports | None:
        """See `Program`."""
        if not self._file.exists():
            return None
        return Ports(**json.loads(self._file.read_text()))


class TensorFlowServing:
    """TF Serving's binary, which must be told ports and asked whether its models are available.

    It takes no address to listen on: whoever runs it here should know that it listens on all of them.
    """

    def __init__(self, binary: str | Path, models: Iterable[str]):
        self._binary = str(binary)
        self._models = list(models)
        self._ports = Ports(*free_ports(2))

    def command(self, flags: Mapping[str, str]) -> list[str]:
        """See `Program`."""
        theirs = {"port": str(self._ports.grpc), "rest_api_port": str(self._ports.rest)}
        bound = [sys.executable, "-m", "serving.with_parent", str(os.getpid())]
        return [*bound, self._binary, *as_arguments({**theirs, **flags})]

    def ports(self) -> Ports | None:
        """See `Program`."""
        with Client(HOST, self._ports.rest, protocol="rest", timeout=_LOOK_TIMEOUT, retries=0) as client:
            if all(_is_available(client, name) for name in self._models):
                return self._ports
        return None


def find_binary() -> str | None:
    """Path of TF Serving's binary if it is on PATH."""
    return shutil.which(BINARY)


def as_arguments(flags: Mapping[str, str]) -> list[str]:
    """Flags as a command line has them."""
    return [f"--{name}={value}" for name, value in flags.items()]


def _is_available(client: Client, model: str) -> bool:
    try:
        return any(version.state is State.AVAILABLE for version in client.status(model))
    except ServingError as error:
        if error.code in {StatusCode.UNAVAILABLE, StatusCode.NOT_FOUND, StatusCode.DEADLINE_EXCEEDED}:
            return False
        raise


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at the moment."""
    probes = [socket.create_server((HOST, 0)) for _ in range(count)]
    try:
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
