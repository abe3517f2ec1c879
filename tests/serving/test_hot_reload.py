"""Versions and configurations change while requests flow: none fails, none is answered by a version of the past."""

import contextlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from serving.client import Client
from serving.process import ModelServer
from tests.serving.reloading import ALL, labels, model, models, reload

VERSIONS = 5


class Caller(threading.Thread):
    """Asks again and again, and keeps every answer or the first error."""

    def __init__(self, ask: Callable[[], float], enough: threading.Event):
        super().__init__()
        self.answers: list[float] = []
        self.error: Exception | None = None
        self._ask = ask
        self._enough = enough

    def run(self) -> None:
        try:
            while not self._enough.is_set():
                self.answers.append(self._ask())
        except Exception as error:  # noqa: BLE001  (looked at by the test)
            self.error = error


def status(server: ModelServer) -> dict[str, str]:
    connection = http.client.HTTPConnection(server.host, server.rest_port, timeout=20)
    connection.request("GET", "/v1/models/adder")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return {entry["version"]: entry["state"] for entry in answer["model_version_status"]}


@contextlib.contextmanager
def rest_asker(server: ModelServer) -> Iterator[Callable[[], float]]:
    connection = http.client.HTTPConnection(server.host, server.rest_port, timeout=20)

    def ask() -> float:
        connection.request("POST", "/v1/models/adder:predict", '{"instances": [100.0]}')
        answer = connection.getresponse()
        body = json.loads(answer.read())
        assert answer.status == 200, body
        return body["predictions"][0]

    yield ask
    connection.close()


@contextlib.contextmanager
def grpc_asker(server: ModelServer) -> Iterator[Callable[[], float]]:
    with Client(server.host, server.grpc_port, retries=0) as client:

        def ask() -> float:
            return client.predict("adder", {"x": [100.0]})["y"].item()

        yield ask


def wait_for_answers(callers: list[Caller]) -> None:
    """Until each caller has sent a request since now and got its answer."""
    before = [len(caller.answers) for caller in callers]
    while any(len(caller.answers) < count + 2 for caller, count in zip(callers, before, strict=True)):
        assert all(caller.is_alive() for caller in callers), [caller.error for caller in callers]


def test_versions_change_under_load(tmp_path: Path, save_adder: Callable[[Path, float], None]) -> None:
    for version in range(1, VERSIONS + 1):
        save_adder(tmp_path / "hidden" / str(version), float(version))
    base = tmp_path / "adder"
    base.mkdir()
    (tmp_path / "hidden" / "1").rename(base / "1")
    enough = threading.Event()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(ModelServer({"adder": base}, flags={"file_system_poll_wait_seconds": "0.02"}))
        askers = [stack.enter_context(kind(server)) for kind in (rest_asker, rest_asker, grpc_asker, grpc_asker)]
        callers = [Caller(ask, enough) for ask in askers]
        for caller in callers:
            caller.start()
        wait_for_answers(callers)
        for version in range(2, VERSIONS + 1):
            (tmp_path / "hidden" / str(version)).rename(base / str(version))
            expected = {str(older): "END" for older in range(1, version)} | {str(version): "AVAILABLE"}
            while status(server) != expected:
                assert any(caller.is_alive() for caller in callers)
            wait_for_answers(callers)
        enough.set()
        for caller in callers:
            caller.join()
        assert server.log.count("\n") == 1
    for caller in callers:
        assert caller.error is None
        assert caller.answers == sorted(caller.answers)
        assert set(caller.answers) == {100.0 + version for version in range(1, VERSIONS + 1)}


def test_the_configuration_changes_under_load(tmp_path: Path, save_adder: Callable[[Path, float], None]) -> None:
    bases = [tmp_path / "a", tmp_path / "b"]
    for version in (1, 2):
        save_adder(bases[0] / str(version), float(version))
        save_adder(bases[1] / str(version), 10.0 * version)
    stages = [
        ("", bases[0], {102.0}),
        (ALL + labels(stable=1), bases[0], {102.0}),
        (ALL + labels(stable=2), bases[0], {102.0}),
        ("", bases[1], {120.0}),
        (ALL, bases[0], {102.0}),
    ]
    enough = threading.Event()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(ModelServer({"adder": bases[0]}))
        askers = [stack.enter_context(kind(server)) for kind in (rest_asker, rest_asker, grpc_asker, grpc_asker)]
        callers = [Caller(ask, enough) for ask in askers]
        for caller in callers:
            caller.start()
        for number, (more, base, expected) in enumerate(stages * 3):
            others = [model("other", bases[1])] if number % 2 else []
            assert reload(server, models(model("adder", base, more), *others)) == "OK"
            seen = [len(caller.answers) for caller in callers]
            wait_for_answers(callers)
            for caller, count in zip(callers, seen, strict=True):
                assert set(caller.answers[count + 1 :]) == expected  # the next answer may have been on its way
        enough.set()
        for caller in callers:
            caller.join()
        assert server.log.count("\n") == 1
    assert [caller.error for caller in callers] == [None] * len(callers)
