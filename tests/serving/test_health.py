"""Readiness of models that come and go."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grpc_health.v1 import health_pb2

from serving.server.health import Health, ready
from serving.server.model_config import ModelConfig
from serving.server.models import Models

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


class Fake:
    def __init__(self, _path: Path):
        self.signatures: dict[str, Any] = {}

    def run(self, *_call: Any) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing to give back."""


def both(tmp_path: Path, scenario: Callable[[Models[Any]], Any]) -> Any:
    """Run `scenario` with the models `there`, which has a version, and `missing`, which has none."""

    async def main() -> Any:
        (tmp_path / "there" / "1").mkdir(parents=True)
        (tmp_path / "missing").mkdir()
        configs = [ModelConfig(name, tmp_path / name) for name in ("there", "missing")]
        models: Models[Any] = Models(configs, Fake, poll_seconds=0)
        try:
            return await scenario(models)
        finally:
            await models.close()

    return asyncio.run(main())


async def check(health: Health, service: str) -> Any:
    return (await health.Check(health_pb2.HealthCheckRequest(service=service), None)).status  # type: ignore[arg-type]


def test_a_model_is_ready_once_a_version_is_available(tmp_path: Path) -> None:
    async def scenario(models: Models[Any]) -> None:
        health = Health(models)
        assert ready(models) == {"there": False, "missing": False}
        await models.look()
        assert ready(models) == {"there": True, "missing": False}
        assert [await check(health, name) for name in ("there", "missing", "")] == [SERVING, NOT_SERVING, NOT_SERVING]
        (tmp_path / "missing" / "4").mkdir()
        await models.look()
        assert [await check(health, name) for name in ("missing", "")] == [SERVING, SERVING]
        health.stop()
        assert [await check(health, name) for name in ("there", "")] == [NOT_SERVING, NOT_SERVING]

    both(tmp_path, scenario)


def test_watching_tells_each_change_and_ends_with_the_server(tmp_path: Path) -> None:
    async def scenario(models: Models[Any]) -> list[int]:
        health = Health(models)
        told: list[int] = []

        async def watch() -> None:
            async for answer in health.Watch(health_pb2.HealthCheckRequest(service="there"), None):  # type: ignore[arg-type]
                told.append(answer.status)

        watching = asyncio.create_task(watch())
        await asyncio.sleep(0.05)
        await models.look()
        await asyncio.sleep(0.3)
        health.stop()
        await asyncio.wait_for(watching, 5)
        return told

    assert both(tmp_path, scenario) == [NOT_SERVING, SERVING, NOT_SERVING]
