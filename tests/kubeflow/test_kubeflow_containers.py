"""kfp.local's DockerRunner over a stand-in for the engine, whose containers are processes of this machine."""

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest

from components.errors import UserError
from kubeflow.containers import run_containers
from kubeflow.processes import StepFailedError
from tests.kubeflow.conftest import Json

IMAGE = "localhost/steps:1"
STEP = """
import json, sys
from pathlib import Path
given = json.loads(sys.argv[2])
print("seen", given["inputs"].get("parameterValues"), sorted(given["inputs"].get("artifacts", {})))
if given["inputs"]["parameterValues"]["name"] == "bad":
    sys.exit(9)
(output,) = given["outputs"]["artifacts"]["out"]["artifacts"]
Path(output["uri"]).mkdir(parents=True)
Path(output["uri"], "text").write_text("made")
artifacts = {"out": {"artifacts": [{"uri": output["uri"], "metadata": {"blessed": 1.0}}]}}
Path(given["outputs"]["outputFile"]).write_text(json.dumps({"artifacts": artifacts}))
"""


class Container:
    """A process, and like kfp.local's own gone as soon as it is removed."""

    def __init__(self, command: list[str], log: list[str]) -> None:
        self._command = command
        self._log = log
        self.removed = False

    def start(self) -> None:
        if "broken" in self._command[-1]:
            raise docker.errors.APIError("500 Server Error", explanation="no network")
        self.done = subprocess.run(self._command, capture_output=True, check=False)

    def logs(self, **_: bool) -> Iterator[bytes]:
        yield self.done.stdout + self.done.stderr

    def wait(self) -> dict[str, int]:
        if self.removed:
            raise docker.errors.NotFound("gone")
        return {"StatusCode": self.done.returncode}

    def remove(self, *, force: bool) -> None:
        self.removed = force
        self._log.append("removed")


class Engine:
    """What of a docker client is used."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.log: list[str] = []
        self.containers = SimpleNamespace(create=self._create)
        self.images = SimpleNamespace(get=self._image)

    def _create(self, image: str, *, entrypoint: list[str], command: list[str], **options: Any) -> Container:
        self.asked.append({"image": image, **options})
        assert entrypoint == ["python"]
        return Container([sys.executable, *command], self.log)

    def _image(self, name: str) -> None:
        if name != IMAGE:
            raise docker.errors.ImageNotFound(name)

    def info(self) -> Json:
        return {"SecurityOptions": ["name=seccomp,profile=default"]}

    def close(self) -> None:
        pass


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    stand_in = Engine()
    monkeypatch.setattr(docker, "from_env", lambda: stand_in)
    return stand_in


def spec_of(*steps: str) -> Json:
    """Steps in a row, each with the output of the one before."""
    kind = {"artifactType": {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}}
    tasks: Json = {}
    for before, step in zip((None, *steps), steps, strict=False):
        inputs: Json = {"parameters": {"name": {"runtimeValue": {"constant": step}}}}
        inputs["parameters"]["path"] = {"componentInputParameter": "data_path"}
        if before:
            inputs["artifacts"] = {"one": {"taskOutputArtifact": {"producerTask": before, "outputArtifactKey": "out"}}}
        tasks[step] = {
            "taskInfo": {"name": step},
            "componentRef": {"name": f"comp-{step}"},
            "dependentTasks": [before] if before else [],
            "inputs": inputs,
            "cachingOptions": {},
        }
    container = {"image": IMAGE, "command": ["python", "-c", STEP], "args": ["--executor_input", "{{$}}"]}
    text = {"parameterType": "STRING"}
    return {
        "pipelineInfo": {"name": "row"},
        "schemaVersion": "2.1.0",
        "sdkVersion": "tfx-1.21.0",
        "root": {"dag": {"tasks": tasks}, "inputDefinitions": {"parameters": {"data_path": text}}},
        "components": {
            f"comp-{step}": {
                "executorLabel": f"exec-{step}",
                "inputDefinitions": {
                    "parameters": {"name": text, "path": text},
                    **({"artifacts": {"one": kind}} if step != steps[0] else {}),
                },
                "outputDefinitions": {"artifacts": {"out": kind}},
            }
            for step in steps
        },
        "deploymentSpec": {"executors": {f"exec-{step}": {"container": container} for step in steps}},
    }


def run(
    spec: Json, folder: Path, data_path: str = "data/faq.csv", *readable: Path
) -> list[tuple[str, dict[str, Json]]]:
    finished: list[tuple[str, dict[str, Json]]] = []
    serving, data = folder / "serving", folder / "data"
    for path in (folder / "run", serving, data):
        path.mkdir()
    run_containers(
        spec,
        folder / "run",
        {"data_path": str(folder / data_path)},
        [serving],
        lambda step, _, artifacts: finished.append((step, artifacts)),
        readable=readable,
    )
    return finished


def test_steps_run_in_order_and_hand_on_what_they_put_out(engine: Engine, tmp_path: Path) -> None:
    finished = run(spec_of("first", "second-step"), tmp_path)
    assert [step for step, _ in finished] == ["first", "second-step"]
    assert [artifacts["out"]["name"] for _, artifacts in finished] == ["1", "2"]
    assert all(artifacts["out"]["metadata"]["blessed"] == 1.0 for _, artifacts in finished)
    assert Path(finished[1][1]["out"]["uri"], "text").read_text() == "made"
    (log,) = (tmp_path / "run").glob("row-*/second-step/log")
    assert "'name': 'second-step'" in log.read_text()
    assert "['one']" in log.read_text()
    assert engine.log == ["removed", "removed"]


def test_a_container_sees_the_run_and_what_it_pushes_to_and_reads_the_data(engine: Engine, tmp_path: Path) -> None:
    run(spec_of("first"), tmp_path)
    (asked,) = engine.asked
    assert asked["image"] == IMAGE
    assert asked["volumes"][str(tmp_path / "run")] == {"bind": str(tmp_path / "run"), "mode": "rw"}
    mounts = {mount["Target"]: mount["ReadOnly"] for mount in asked["mounts"]}
    assert mounts == {str(tmp_path / "serving"): False, str(tmp_path / "data"): True}
    assert asked["user"].count(":") == 1


def test_a_container_reads_what_a_pattern_means_and_what_encoders_are_made_of(engine: Engine, tmp_path: Path) -> None:
    preset = tmp_path / "models" / "toy"
    preset.mkdir(parents=True)
    run(spec_of("first"), tmp_path, "data/*/faq-*.csv", preset, preset / "weights.h5")
    (asked,) = engine.asked
    mounts = {mount["Target"]: mount["ReadOnly"] for mount in asked["mounts"]}
    assert mounts == {str(tmp_path / "serving"): False, str(tmp_path / "data"): True, str(preset): True}
    assert len(asked["mounts"]) == 3


def test_a_failed_container_fails_the_run_with_its_log(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(StepFailedError) as failure:
        run(spec_of("first", "bad", "never"), tmp_path)
    assert str(failure.value).startswith("step bad failed (exit code 9); the whole story is in ")
    assert "'name': 'bad'" in str(failure.value)
    assert len(engine.asked) == 2
    assert engine.log == ["removed", "removed"]


def test_a_container_that_does_not_start_is_a_sentence_and_leaves_nothing(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did not run a container of localhost/steps:1: no network"):
        run(spec_of("broken"), tmp_path)
    assert engine.log == ["removed"]


def test_an_image_that_is_not_there_is_named(engine: Engine, tmp_path: Path) -> None:
    spec = spec_of("first")
    spec["deploymentSpec"]["executors"]["exec-first"]["container"]["image"] = "localhost/other:2"
    with pytest.raises(UserError, match=r"no image localhost/other:2 .*`make image` builds it"):
        run(spec, tmp_path)
    assert engine.asked == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # docker forgets to close its socket
def test_an_engine_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(UserError, match=r"no container engine answers: .* or run with --no-containers"):
        run(spec_of("first"), tmp_path)
    gc.collect()  # so that the socket warns here
