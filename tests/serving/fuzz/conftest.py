"""The servers that are sent nonsense."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from serving.process import ModelServer
from tests.serving.fuzz import examples
from tests.serving.fuzz.fuzzed import Fuzzed

examples.register()

# What a broken request may be waited for; a test has hundreds of them.
_WIRE = {"rest_api_header_timeout_in_ms": "150", "rest_api_body_timeout_in_ms": "150"}

_USUAL = ("serving ", "could not load ", "Could not find base path ", "No versions of servable ")


@contextmanager
def _fuzzed(models: dict[str, Path], flags: dict[str, str]) -> Iterator[Fuzzed]:
    """The server must stop as it should, and must not have logged anything but what it could not load."""
    server = ModelServer(models, flags=flags)
    with server:
        connected = Fuzzed(server)
        yield connected
        connected.close()
        assert server.stop() == 0
    assert [line for line in server.log.splitlines() if not line.startswith(_USUAL)] == []


@pytest.fixture(scope="session")
def fuzzed(saved_models: Any) -> Iterator[Fuzzed]:
    """Serves all the small models."""
    names = ("zoo", "half_plus_two", "half_plus_three", "odd", "adder")
    with _fuzzed({name: getattr(saved_models, name) for name in names}, {}) as running:
        yield running


@pytest.fixture(scope="session")
def hurried(saved_models: Any) -> Iterator[Fuzzed]:
    """Waits for nobody."""
    with _fuzzed({name: getattr(saved_models, name) for name in ("zoo", "half_plus_two")}, _WIRE) as running:
        yield running


@pytest.fixture(scope="session")
def reloaded(saved_models: Any) -> Iterator[Fuzzed]:
    """Its configuration is another after each example."""
    with _fuzzed({"half_plus_two": saved_models.half_plus_two}, {}) as running:
        yield running
