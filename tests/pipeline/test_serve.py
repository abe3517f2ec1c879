"""`anchorline serve`: what is started, and what is refused. What it then does, tests/end_to_end shows."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from components.errors import UserError
from pipeline.config import MatchConfig, PipelineConfig
from pipeline.serve import ServeOptions, serve
from serving.server import config_file
from tests.serving.stand_in import FLAGS, StandIn


class BecameError(Exception):
    """In place of the program that the process would have become."""

    def __init__(self, command: list[str]):
        self.command = command
        self.flags = dict(argument.removeprefix("--").split("=", 1) for argument in command if argument[:2] == "--")


Serve = Callable[..., BecameError]


@pytest.fixture
def config(tmp_path: Path) -> PipelineConfig:
    """A pipeline that has pushed the versions 3, 5 and 8."""
    made = MatchConfig.model_validate({"name": "faq", "output": str(tmp_path / "out"), "data": {"path": "x.csv"}})
    for version in ("3", "5", "8"):
        (made.serving_folder / version).mkdir(parents=True)
    return made


@pytest.fixture
def printed() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def started(config: PipelineConfig, printed: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """`started(canary=8)`: what `anchorline serve` becomes."""

    def became(_program: str, command: list[str]) -> None:
        raise BecameError(command)

    monkeypatch.setattr(os, "execv", became)
    monkeypatch.setenv("PATH", "/nowhere")

    def run(*, configs: list[PipelineConfig] | None = None, **options: Any) -> BecameError:
        with pytest.raises(BecameError) as caught:
            serve(configs or [config], ServeOptions(**options), Console(file=printed, width=300))
        return caught.value

    return run


def refusal(config: PipelineConfig, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        serve([config], ServeOptions(**options), Console(file=io.StringIO()))
    return str(caught.value)


def models(became: BecameError) -> Any:
    return config_file.read_file(Path(became.flags["model_config_file"]))


def test_our_server_on_the_loopback_interface(started: Serve, config: PipelineConfig, printed: io.StringIO) -> None:
    became = started(port=18, rest_port=19)
    assert became.command[:3] == [sys.executable, "-m", "serving.server"]
    assert (became.flags["host"], became.flags["port"], became.flags["rest_api_port"]) == ("127.0.0.1", "18", "19")
    (model,) = models(became)
    assert (model.name, model.base_path, model.labels) == ("faq", config.serving_folder, {})
    assert model.policy.pick([3, 5, 8]) == [8]
    assert printed.getvalue() == "page to try it: http://127.0.0.1:19/, once the models are loaded\n"
    assert started(host="::1").flags["host"] == "::1"


def test_the_binary_on_path_with_its_own_flags(
    started: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: io.StringIO
) -> None:
    stand_in = StandIn(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    became = started(canary=8)
    assert became.command[0] == str(stand_in.path)
    assert set(became.flags) <= FLAGS
    assert f"{stand_in.path} listens on all addresses of this machine" in printed.getvalue()
    assert started(binary="own").command[0] == sys.executable


def test_a_binary_that_is_named(started: Serve, tmp_path: Path, config: PipelineConfig) -> None:
    stand_in = StandIn(tmp_path)
    assert started(binary=str(stand_in.path), host="0.0.0.0").command[0] == str(stand_in.path)  # noqa: S104
    assert refusal(config, binary="/nowhere/x") == (
        "--binary /nowhere/x: is no program; give the path of tensorflow_model_server, or own"
    )
    alone = refusal(config, binary=str(stand_in.path), host="127.0.0.1")
    assert alone.startswith(f"--host 127.0.0.1: {stand_in.path} cannot listen on one address alone; --binary own ")


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ({"canary": 8}, {"stable": 5, "canary": 8}),
        ({"canary": 5}, {"stable": 8, "canary": 5}),
        ({"canary": 8, "stable": 3}, {"stable": 3, "canary": 8}),
        ({"stable": 5}, {"stable": 5}),
    ],
)
def test_labels(started: Serve, printed: io.StringIO, options: dict[str, int], labels: dict[str, int]) -> None:
    became = started(**options)
    (model,) = models(became)
    assert model.labels == labels
    assert sorted(model.policy.pick([3, 5, 8])) == sorted(labels.values())
    assert became.flags["allow_version_labels_for_unavailable_models"] == "true"
    named = ", ".join(f"{label} is {version}" for label, version in labels.items())
    assert f"faq: {named}; requests without a label go to {max(labels.values())}\n" in printed.getvalue()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"canary": 4}, "there is no version 4 of faq; there are 3, 5, 8"),
        ({"stable": 9, "canary": 8}, "there is no version 9 of faq; there are 3, 5, 8"),
        ({"stable": 5, "canary": 5}, "--stable and --canary are both 5; they must differ"),
    ],
)
def test_labels_that_cannot_be(config: PipelineConfig, options: dict[str, int], reason: str) -> None:
    assert refusal(config, **options) == reason


def test_a_canary_needs_another_version(config: PipelineConfig) -> None:
    for version in ("3", "5"):
        (config.serving_folder / version).rmdir()
    assert refusal(config, canary=8) == "8 is the only version of faq; there is no other to be stable"


def test_labels_are_of_one_model(config: PipelineConfig) -> None:
    other = config.model_copy(update={"name": "other"})
    (other.serving_folder / "1").mkdir(parents=True)
    with pytest.raises(
        UserError, match="--stable and --canary are versions of one model; serve one pipeline with them"
    ):
        serve([config, other], ServeOptions(canary=8), Console(file=io.StringIO()))
