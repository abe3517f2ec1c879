"""Whether the server and its models are ready: for the standard gRPC health service and for `/readyz`.

Nobody can ask before all models are: only then the server begins to answer, as TF Serving does.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving.server.models import Models
from serving.server.served import State

_STATUS = health_pb2.HealthCheckResponse
_LOOK_SECONDS = 0.1


def ready(models: Models[Any]) -> dict[str, bool]:
    """For each model whether one of its versions is AVAILABLE."""
    return {name: State.AVAILABLE in versions.values() for name, versions in models.states().items()}


class Health(health_pb2_grpc.HealthServicer):
    """grpc.health.v1.Health: a service name is a model's name, and "" is all of them together."""

    def __init__(self, models: Models[Any]):
        self._models = models
        self._stopping = False

    def stop(self) -> None:
        """From now on nothing is SERVING."""
        self._stopping = True

    def _status(self, service: str) -> int:
        models = ready(self._models)
        if service and service not in models:
            return _STATUS.SERVICE_UNKNOWN
        serving = models[service] if service else all(models.values())
        return _STATUS.SERVING if serving and not self._stopping else _STATUS.NOT_SERVING

    async def Check(self, request: Any, context: grpc.aio.ServicerContext) -> Any:  # noqa: N802
        """The status now; NOT_FOUND for a model that is not configured."""
        status = self._status(request.service)
        if status == _STATUS.SERVICE_UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no model is named {request.service!r}")
        return _STATUS(status=status)

    async def Watch(self, request: Any, _context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:  # noqa: N802
        """The status now and after each change, until the client goes or the server stops."""
        last = None
        while True:
            status = self._status(request.service)
            if status != last:
                yield _STATUS(status=status)
                last = status
            if self._stopping:
                return
            await asyncio.sleep(_LOOK_SECONDS)
