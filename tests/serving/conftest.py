"""Small SavedModels and one server process that serves them all."""

import gzip
import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving.client import Client
from serving.process import ModelServer
from tests.serving import saved_models as saved
from tests.serving.operated import Operated, operated_server


@dataclass(frozen=True)
class SavedModels:
    """Base paths of the models."""

    zoo: Path
    half_plus_two: Path
    half_plus_three: Path
    odd: Path
    adder: Path


@pytest.fixture(scope="session")
def saved_models(tmp_path_factory: pytest.TempPathFactory) -> SavedModels:
    root = tmp_path_factory.mktemp("models")
    models = SavedModels(*(root / item.name for item in fields(SavedModels)))
    saved.save_zoo(models.zoo / "7")
    saved.save_half_plus_two(models.half_plus_two / "00000123")
    saved.save_half_plus_three(models.half_plus_three / "124")
    saved.save_odd(models.odd / "1")
    saved.save_adder(models.adder / "1", 1.0)
    saved.save_adder(models.adder / "2", 2.0)
    (models.adder / "next").mkdir()
    return models


@pytest.fixture(scope="session")
def save_adder() -> Callable[[Path, float], None]:
    """`save_adder(folder, amount)` saves one version of a model that adds `amount`."""
    return saved.save_adder


@pytest.fixture(scope="session")
def server(saved_models: SavedModels, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """Serves all of them, `adder` in both versions and with labels, and `a b/ü` (a name that must be %-encoded)."""
    config = tmp_path_factory.mktemp("config") / "models.config"
    config.write_text(
        f"""
        model_config_list {{
          config {{ name: "zoo" base_path: "{saved_models.zoo}" model_platform: "tensorflow" }}
          config {{ name: "half_plus_two" base_path: "{saved_models.half_plus_two}" }}
          config {{ name: "half_plus_three" base_path: "{saved_models.half_plus_three}" }}
          config {{ name: "odd" base_path: "{saved_models.odd}" }}
          config {{
            name: "adder" base_path: "{saved_models.adder}"
            model_version_policy {{ all {{}} }}
            version_labels {{ key: "stable" value: 1 }}
            version_labels {{ key: "canary" value: 2 }}
          }}
          config {{ name: "a b/ü" base_path: "{saved_models.zoo}" }}
        }}
        """
    )
    flags = {"model_config_file": str(config), "grpc_socket_path": str(config.with_name("grpc.sock"))}
    with ModelServer({"zoo": saved_models.zoo}, flags=flags) as running:
        yield running


@dataclass(frozen=True)
class Response:
    """An HTTP response with a JSON body."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> str:
        return self.json["error"]


Rest = Callable[..., Response]


@pytest.fixture(scope="session")
def rest(server: ModelServer) -> Rest:
    """`rest("POST", "/v1/…", body)`; a body that is not bytes is sent as JSON."""
    connection = http.client.HTTPConnection(server.host, server.rest_port, timeout=30)

    def send(method: str, path: str, body: Any = None, *, zipped: bool = False, **headers: str) -> Response:
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if zipped:
            raw, headers["content-encoding"] = gzip.compress(raw or b""), "gzip"
        connection.request(method, path, raw, headers)
        answer = connection.getresponse()
        fields = {name.lower(): value for name, value in answer.getheaders()}
        response = Response(answer.status, answer.read().decode(), fields)
        connection.close()  # the server would, if other tests come in between; the next request opens it again
        return response

    return send


@pytest.fixture(scope="session")
def client(server: ModelServer) -> Iterator[Client]:
    with Client(server.host, server.grpc_port, retries=0) as connected:
        yield connected


@pytest.fixture(scope="session")
def channel(server: ModelServer) -> Iterator[grpc.Channel]:
    unlimited = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(f"{server.host}:{server.grpc_port}", options=unlimited) as connected:
        yield connected


@pytest.fixture(scope="session")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    """A server of its own for what the others must not see: limits, overload, TLS."""
    with operated_server(tmp_path_factory.mktemp("operated")) as running:
        yield running


@pytest.fixture(scope="session")
def operated_channel(operated: Operated) -> Iterator[grpc.Channel]:
    """To its unix socket, which speaks no TLS."""
    with grpc.insecure_channel(f"unix:{operated.socket_path}") as connected:
        yield connected
