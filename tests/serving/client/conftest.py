"""A real server with models that have our signatures, and a client of each kind for each API."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from serving.client import AsyncClient, Client
from serving.process import ModelServer
from tests.serving.encoder import save_encoder

KINDS = [("grpc", "sync"), ("grpc", "async"), ("rest", "sync"), ("rest", "async")]


READS = {
    "question": "text",
    "answer": "image_bytes",
    "search": "text",
    "classify": "text",
    "neighbors": "text",
    "text_features": "text",
    "image_features": "image_bytes",
}


@pytest.fixture(scope="session")
def our_server(saved_models: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """Serves `faq`, versions 1 (label stable) and 2 (canary), the same as `a b/ü`, and `zoo`."""
    root = tmp_path_factory.mktemp("ours")
    save_encoder(root / "faq" / "1", 1.0, READS)
    save_encoder(root / "faq" / "2", 2.0, READS)
    config = root / "models.config"
    labels = 'version_labels { key: "stable" value: 1 } version_labels { key: "canary" value: 2 }'
    config.write_text(
        f"""
        model_config_list {{
          config {{ name: "faq" base_path: "{root}/faq" model_version_policy {{ all {{}} }} {labels} }}
          config {{ name: "a b/ü" base_path: "{root}/faq" }}
          config {{ name: "zoo" base_path: "{saved_models.zoo}" }}
        }}
        """,
        encoding="utf-8",
    )
    with ModelServer({"faq": root / "faq"}, flags={"model_config_file": str(config)}) as running:
        yield running


class Awaited:
    """An AsyncClient whose calls are waited for, so that one test serves both kinds."""

    def __init__(self, *arguments: Any, **options: Any):
        self._runner = asyncio.Runner()
        self._client = AsyncClient(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return lambda *arguments, **options: self._runner.run(_awaited(method, arguments, options))

    def __enter__(self) -> "Awaited":
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._client.close())
        self._runner.close()


async def _awaited(method: Any, arguments: Any, options: Any) -> Any:
    return await method(*arguments, **options)


def connect(kind: str, *arguments: Any, **options: Any) -> Any:
    """A client of one kind; both are used alike, in a `with` block."""
    return (Client if kind == "sync" else Awaited)(*arguments, **options)


def port_of(server: ModelServer, protocol: str) -> int:
    return server.grpc_port if protocol == "grpc" else server.rest_port


@pytest.fixture(params=KINDS, ids="-".join)
def any_client(request: pytest.FixtureRequest, our_server: ModelServer) -> Iterator[Any]:
    protocol, kind = request.param
    with connect(kind, our_server.host, port_of(our_server, protocol), protocol=protocol) as client:
        yield client
