"""Runs a compiled spec by kfp.local, each step in a container over the socket of Docker, or of podman in its place."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kfp
import yaml
from kfp import local

from components.errors import UserError
from kubeflow.docker_runner import containers_through
from kubeflow.driver import recorded
from kubeflow.processes import StepFailedError

if TYPE_CHECKING:
    import docker

Json = dict[str, Any]


def run_containers(
    spec: Json,
    folder: Path,
    parameters: Json,
    writable: list[Path],
    finished: Callable[[str, float, Json], None],
    *,
    readable: Sequence[Path] = (),
) -> None:
    """Run the steps of a spec, each behind those it depends on.

    Args:
        spec: the pipeline, whose paths are those of this machine.
        folder: where artifacts and logs go.
        parameters: of the run.
        writable: folders that steps push to; they exist.
        finished: is told name, seconds and artifacts by output key of each step.
        readable: files and folders that steps read beside the data.

    Raises:
        UserError: there is no container engine or no image.
        StepFailedError: a step failed.
    """
    image = next(iter(spec["deploymentSpec"]["executors"].values()))["container"]["image"]
    user = _prepare(image)
    started = 0

    def run(command: list[str], container: Callable[[Path], int]) -> int:
        nonlocal started
        given = json.loads(command[command.index("--executor_input") + 1])
        file = Path(given["outputs"]["outputFile"])
        step, log = file.parent.name, file.parent / "log"
        file.parent.mkdir(parents=True, exist_ok=True)
        begin = time.monotonic()
        if code := container(log):
            raise StepFailedError(step, f"exit code {code}", log)
        output = json.loads(file.read_text(encoding="utf-8"))
        artifacts = recorded(given["outputs"], output, started + 1)
        started += len(artifacts)
        finished(step, time.monotonic() - begin, artifacts)
        return 0

    file = folder / "pipeline.yaml"
    file.write_text(yaml.safe_dump(spec), encoding="utf-8")
    mounts = _mounts(writable, [Path(parameters["data_path"]), *readable])
    home = {"HOME": "/tmp"}  # noqa: S108  of a user whom the image does not know
    runner = local.DockerRunner(user=user, mounts=mounts, environment=home)
    local.init(runner=runner, pipeline_root=str(folder), workspace_root=str(folder / "workspace"))
    with containers_through(run):
        kfp.components.load_component_from_file(str(file))(**parameters)


def _prepare(image: str) -> str:
    """Look for the engine and the image; gives back whom a container runs as, so that files are the caller's.

    Raises:
        UserError: one of them is not there.
    """
    import docker

    try:
        client = docker.from_env()
        options = client.info().get("SecurityOptions", [])
    except docker.errors.DockerException as error:
        raise UserError(
            f"no container engine answers: {error}; start docker, or `podman system service` and set DOCKER_HOST to its"
            " socket, or run with --no-containers"
        ) from None
    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        raise UserError(f"the container engine has no image {image} (kubeflow.image); `make image` builds it") from None
    finally:
        client.close()
    rootless = any("rootless" in str(option) for option in options)
    return "0:0" if rootless else f"{os.getuid()}:{os.getgid()}"


def _mounts(writable: list[Path], readable: list[Path]) -> list[docker.types.Mount]:
    """Folders of this machine that steps see at the same path: those they push to, and read only what they read."""
    import docker

    mounts = [docker.types.Mount(str(path), str(path), type="bind") for path in writable]
    folders = dict.fromkeys(_folder(path) for path in readable if path.is_absolute())
    return mounts + [docker.types.Mount(folder, folder, type="bind", read_only=True) for folder in folders]


def _folder(path: Path) -> str:
    """The folder itself, or the one that a file, or what a pattern means, lies in."""
    return str(next(folder for folder in (path, *path.parents) if folder.is_dir()))
