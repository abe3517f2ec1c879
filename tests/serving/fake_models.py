"""Models that are loaded from text files, and an event loop to try them on."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.server.errors import Code, StatusError
from serving.server.model_config import ModelConfig
from serving.server.models import Models
from serving.server.served import State
from serving.server.signature import Signature


class Fake:
    """A model whose answer is the text in its folder."""

    def __init__(self, path: Path):
        self.text = (path / "model.txt").read_text()
        self.signatures: dict[str, Signature] = {}
        self.may_run = threading.Event()
        self.may_run.set()

    def run(self, signature: str, outputs: tuple[str, ...], inputs: list[np.ndarray]) -> list[np.ndarray]:
        assert signature
        assert outputs
        assert inputs
        assert self.may_run.wait(20)
        return [np.array(self.text)]

    def close(self) -> None:
        self.text += " closed"


def add(base: Path, version: int, text: str = "") -> None:
    folder = base / str(version)
    folder.mkdir(parents=True)
    (folder / "model.txt").write_text(text or f"version {version}")


def remove(base: Path, version: int) -> None:
    (base / str(version) / "model.txt").unlink(missing_ok=True)
    (base / str(version)).rmdir()


def run(
    scenario: Callable[[Models[Fake]], Awaitable[None]], *configs: ModelConfig, load: Any = Fake, **settings: Any
) -> None:
    async def main() -> None:
        models: Models[Fake] = Models(configs, load, **({"poll_seconds": 0, "retries": 0} | settings))
        try:
            await scenario(models)
        finally:
            await models.close()

    asyncio.run(main())


def states(models: Models[Fake], name: str = "m") -> dict[int, State]:
    return {number: version.state for number, version in models.status(name)}


def refusal(models: Models[Fake], *spec: Any, **kwargs: Any) -> tuple[Code, str]:
    with pytest.raises(StatusError) as caught:
        models.find(*spec, **kwargs)
    return caught.value.code, caught.value.message
