"""compose.yaml for TF Serving's image: what needs no container."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import serving.process
from serving.process import ModelServer

SERVICE: dict[str, Any] = yaml.safe_load(Path(serving.process.__file__).with_name("compose.yaml").read_text())[
    "services"
]["serving"]


def test_ports_are_those_of_this_machine_alone() -> None:
    assert SERVICE["ports"] == ["127.0.0.1:${GRPC_PORT:-8500}:8500", "127.0.0.1:${REST_PORT:-8501}:8501"]


def test_models_cannot_be_written() -> None:
    (volume,) = SERVICE["volumes"]
    assert volume.endswith(":/models:ro")


@pytest.mark.parametrize(("model", "healthy"), [("adder", True), ("nobody", False)])
def test_the_health_check_tells_whether_the_model_is_available(server: ModelServer, model: str, healthy: bool) -> None:
    program, *arguments = SERVICE["healthcheck"]["test"][1:]
    arguments = [argument.replace("$$", "$").replace("/8501 ", f"/{server.rest_port} ") for argument in arguments]
    done = subprocess.run([program, *arguments], env={"MODEL_NAME": model, "PATH": "/usr/bin:/bin"}, check=False)
    assert (done.returncode == 0) == healthy
