"""A model server as a child process, for whoever needs one that runs: checks, commands, tests. Imports no TensorFlow.

with ModelServer({"faq": "/models/faq"}) as server:
    Client(server.host, server.grpc_port).predict("faq", …)
"""

import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from serving.models_file import model_server_config
from serving.programs import HOST, OwnServer, Ports, Program, TensorFlowServing

_LAST_LINES = 20
_LOOK_SECONDS = 0.02


class ServerStartError(RuntimeError):
    """The server did not start to serve; the message ends with its own last lines."""


class ModelServer:
    """One model server on free ports. It ends with this process at the latest; TF Serving's binary with this thread.

    Args:
        models: the base path (the folder of version folders) of each model, by name.
        binary: TF Serving's binary to run; by default our own server.
        flags: further flags of the server, as in `{"enable_batching": "false"}`.
        start_timeout: seconds that loading all models may take.

    Attributes:
        host: the address that `grpc_port` and `rest_port` belong to.
        grpc_port: port of the gRPC API once started.
        rest_port: port of the REST API once started.
    """

    host = HOST

    def __init__(
        self,
        models: Mapping[str, Path | str],
        *,
        binary: Path | str | None = None,
        flags: Mapping[str, str] | None = None,
        start_timeout: float = 300.0,
    ):
        if not models:
            raise ValueError("models is empty; give the base path of at least one model")
        self._models = {name: Path(path).absolute() for name, path in models.items()}
        self._binary = binary
        self._flags = dict(flags or {})
        self._start_timeout = start_timeout
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._last_log = ""
        self.grpc_port = 0
        self.rest_port = 0

    @property
    def url(self) -> str:
        """Address of the REST API, without a slash at the end."""
        return f"http://{self.host}:{self.rest_port}"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        return self._running().pid

    @property
    def log(self) -> str:
        """All that the server has written, also after it has stopped."""
        if self._folder is None:
            return self._last_log
        return self._path("log").read_text(errors="replace")

    def start(self) -> Self:
        """Start the server and return once every model is available. Raises ServerStartError."""
        if self._process:
            raise RuntimeError("the server is running already")
        for name, path in self._models.items():
            _check_versions(name, path)
        self._folder = tempfile.TemporaryDirectory(prefix="anchorline-server-")
        self._path("models.config").write_text(model_server_config(self._models))
        folder = Path(self._folder.name)
        program = TensorFlowServing(self._binary, self._models) if self._binary else OwnServer(folder)
        flags = {"model_config_file": str(self._path("models.config")), "max_num_load_retries": "0"} | self._flags
        command = program.command(flags)
        with self._path("log").open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.grpc_port, self.rest_port = self._wait_until_serving(program)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self, timeout: float = 30.0) -> int | None:
        """Let the server finish its requests, then end it; its exit status, None if it was not running.

        After `timeout` seconds it is killed.
        """
        process, self._process = self._process, None
        if process is None:
            return None
        process.terminate()
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        if self._folder:
            self._last_log = self.log
            self._folder.cleanup()
            self._folder = None
        return status

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_until_serving(self, program: Program) -> Ports:
        process = self._running()
        deadline = time.monotonic() + self._start_timeout
        while not (ports := program.ports()):
            if process.poll() is not None:
                raise ServerStartError(f"the model server ended with status {process.returncode}{self._last_lines()}")
            if time.monotonic() > deadline:
                raise ServerStartError(
                    f"the model server did not serve after {self._start_timeout:g} s{self._last_lines()}"
                )
            time.sleep(_LOOK_SECONDS)
        return ports

    def _last_lines(self) -> str:
        lines = self.log.splitlines()[-_LAST_LINES:]
        return ":\n" + "\n".join(lines) if lines else " and wrote nothing"

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process

    def _path(self, name: str) -> Path:
        if self._folder is None:
            raise RuntimeError("the server was never started")
        return Path(self._folder.name) / name


def _check_versions(name: str, path: Path) -> None:
    """A server, TF Serving's too, waits for ever for a base path that is wrong; better to say so at once."""
    if not path.is_dir():
        raise ServerStartError(f"model {name}: the base path {path} does not exist")
    if not any(child.name.isdigit() and child.is_dir() for child in path.iterdir()):
        raise ServerStartError(
            f"model {name}: no version under the base path {path}; a version is a folder named by a number"
        )
