"""kfp.local's DockerRunner with two faults mended.

It takes a failed container for a good one: it has containers removed as they end, asks for their exit code only then,
and counts one that is gone as 0 (kubeflow/pipelines#13332). Here a container is waited for before it is removed. And it
appends a step's command to the image's entrypoint, in the place of which a cluster runs it; so it is done here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kfp.local import docker_task_handler

from components.errors import UserError

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

RunContainer = Callable[[list[str], Callable[[Path], int]], int]
"""Is told a container's command and what runs it with its output in a file; gives back its exit code."""


@contextmanager
def containers_through(run: RunContainer) -> Iterator[None]:
    """Inside the block every container of kfp.local is started by `run`."""

    def run_docker_container(
        client: docker.DockerClient, image: str, command: list[str], volumes: Mapping[str, Any], **options: Any
    ) -> int:
        return run(command, lambda log: _run(client, image, command, log, volumes=volumes, **options))

    before = docker_task_handler.run_docker_container
    docker_task_handler.run_docker_container = run_docker_container
    try:
        yield
    finally:
        docker_task_handler.run_docker_container = before


def _run(client: docker.DockerClient, image: str, command: Sequence[str], log: Path, **options: Any) -> int:
    import docker

    container: Container | None = None
    try:
        container = client.containers.create(image, entrypoint=list(command[:1]), command=list(command[1:]), **options)
        container.start()
        with log.open("wb") as file:
            for chunk in container.logs(stream=True, follow=True):
                file.write(chunk)
                file.flush()
        return int(container.wait()["StatusCode"])
    except docker.errors.APIError as error:
        raise UserError(f"the container engine did not run a container of {image}: {error.explanation}") from error
    finally:
        if container is not None:
            container.remove(force=True)
