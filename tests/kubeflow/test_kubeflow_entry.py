"""The steps' entry against executor inputs as KFP's drivers build them, for every step of the pipeline."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components.errors import UserError
from kubeflow import entry
from kubeflow.driver import executor_input, order, recorded, run_parameters
from kubeflow.entry import run, with_types
from kubeflow.mounts import Mounts
from kubeflow.processes import fill
from kubeflow.run_local import command_of
from pipeline.config import PipelineConfig
from tests.kubeflow.conftest import Json

ROOT = "minio://mlpipeline/v2/artifacts/small-faq/5d6f"
EXAMPLES = {"examples": {"artifactType": {"schemaTitle": "tfx.Examples"}}}


def from_the_api_server(artifact: Json) -> Json:
    """An input as servers without ML Metadata give it: its name, an id, and a type that is one word."""
    metadata = {key: value for key, value in artifact["metadata"].items() if key != "store_session_info"}
    return artifact | {
        "name": artifact["metadata"]["display_name"],
        "artifactId": f"0f3c-{artifact['name']}",
        "type": {"schemaTitle": "Artifact"},
        "metadata": metadata,
    }


class Cluster:
    """Runs steps one after the other in this process; object stores are folders below `folder`."""

    def __init__(self, spec: Json, folder: Path) -> None:
        self.spec = spec
        self.folder = folder
        self.mounts = Mounts(str(folder))
        self.produced: dict[str, dict[str, Json]] = {}
        self.outputs: dict[str, Json] = {}

    def run(self, task: str, parameters: Mapping[str, str]) -> None:
        file = self.folder / task / "output_metadata.json"
        given = executor_input(
            self.spec,
            task,
            parameters=run_parameters(self.spec, parameters),
            produced={
                name: {key: from_the_api_server(one) for key, one in outputs.items()}
                for name, outputs in self.produced.items()
            },
            root=ROOT,
            output_file=str(file),
        )
        logs = {"uri": f"{ROOT}/{task}/executor-logs", "type": {"schemaTitle": "system.Artifact"}}
        given["outputs"]["artifacts"]["executor-logs"] = {"artifacts": [logs]}
        command = fill(command_of(self.spec, task), given)
        options, beam_args = entry._parser().parse_known_args(command[3:])
        run(options, beam_args, self.mounts)
        self.outputs[task] = json.loads(file.read_text(encoding="utf-8"))
        del given["outputs"]["artifacts"]["executor-logs"]
        self.produced[task] = recorded(given["outputs"], self.outputs[task], 1 + sum(map(len, self.produced.values())))

    def metadata(self, task: str, output: str) -> Json:
        return self.outputs[task]["artifacts"][output]["artifacts"][0]["metadata"]

    def path(self, task: str, output: str) -> Path:
        return self.folder / "minio" / ROOT.removeprefix("minio://") / task / output


@pytest.fixture(scope="module")
def cluster(spec: Json, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """After a run of all steps."""
    done = Cluster(spec, tmp_path_factory.mktemp("mounts"))
    for task in order(spec["root"]["dag"]["tasks"]):
        done.run(task, {"run_name": "nightly", "gates": '{"mrr": {"min": 0.01}, "recall@10": {"min": 0.02}}'})
    return done


@pytest.mark.end_to_end
def test_every_step_leaves_its_artifacts_where_its_uris_say(cluster: Cluster) -> None:
    assert cluster.outputs.keys() == cluster.spec["root"]["dag"]["tasks"].keys()
    for task, output in cluster.outputs.items():
        component = cluster.spec["components"][f"comp-{task}"]
        assert output["artifacts"].keys() == component["outputDefinitions"]["artifacts"].keys()
        for name, value in output["artifacts"].items():
            (artifact,) = value["artifacts"]
            assert artifact["uri"] == f"{ROOT}/{task}/{name}"
            assert cluster.path(task, name).is_dir()
            assert task == "baseline" or any(cluster.path(task, name).iterdir())
    assert sorted(path.name for path in cluster.folder.iterdir() if path.name not in cluster.outputs) == ["minio"]


@pytest.mark.end_to_end
def test_the_driver_of_ingest_has_run(cluster: Cluster) -> None:
    metadata = cluster.metadata("ingest", "examples")
    assert metadata["custom:span"] == 0
    assert metadata["input_fingerprint"].startswith("split:all,num_files:1,total_bytes:")
    assert json.loads(metadata["split_names"]) == ["train", "validation", "test"]


@pytest.mark.end_to_end
def test_properties_reach_the_steps_behind(cluster: Cluster, config: PipelineConfig) -> None:
    assert cluster.metadata("evaluate", "blessing")["blessed"] == 1
    assert cluster.metadata("evaluate", "blessing")["current_model"] == f"{ROOT}/train/model"
    assert cluster.metadata("serving-check", "blessing")["blessed"] == 1
    pushed = cluster.metadata("push", "pushed_model")
    (version,) = [path.name for path in config.serving_folder.iterdir()]
    assert pushed["pushed_version"] == version
    assert pushed["pushed_destination"] == str(config.serving_folder / version)
    assert pushed["run_name"] == "nightly"


@pytest.mark.end_to_end
def test_gates_of_the_run_stand_in_for_those_of_the_config(cluster: Cluster) -> None:
    verdict = json.loads((cluster.path("evaluate", "evaluation") / "verdict.json").read_text())
    assert [(check["metric"], check["kind"], check["bound"]) for check in verdict["checks"]] == [
        ("recall@10", "min", 0.02),
        ("mrr", "min", 0.01),
    ]


@pytest.mark.end_to_end
def test_a_second_push_finds_the_version_in_production(cluster: Cluster, config: PipelineConfig) -> None:
    again = Cluster(cluster.spec, cluster.folder)
    again.produced = cluster.produced
    again.run("baseline", {})
    (version,) = [path.name for path in config.serving_folder.iterdir()]
    assert again.metadata("baseline", "model")["production_version"] == version
    again.run("push", {})
    assert again.metadata("push", "pushed_model")["unchanged"] == version


def typed(given: Json | None) -> Json:
    artifact = {"uri": "s3://b/k"} | ({} if given is None else {"type": given})
    mended = with_types(
        {"inputs": {"artifacts": {"examples": {"artifacts": [artifact]}}}, "outputs": {}},
        {"inputDefinitions": {"artifacts": EXAMPLES}},
    )
    return mended["inputs"]["artifacts"]["examples"]["artifacts"][0]


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"instanceSchema": ""},
        {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"},
        {"schemaTitle": "Artifact"},
        {"schemaTitle": "TYPE_UNSPECIFIED"},
    ],
)
def test_whatever_type_the_driver_gives_tfx_gets_its_own(given: Json | None) -> None:
    assert typed(given) == {"uri": "s3://b/k", "type": {"schemaTitle": "tfx.Examples"}}


def test_what_tfx_does_not_know_is_left_out() -> None:
    given = {"artifacts": {"examples": {"artifacts": []}, "executor-logs": {"artifacts": [{"uri": "gs://b/l"}]}}}
    mended = with_types({"inputs": {}, "outputs": given}, {"outputDefinitions": {"artifacts": EXAMPLES}})
    assert mended["outputs"]["artifacts"] == {"examples": {"artifacts": []}}


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments of a step; what it does is replaced by the tests."""
    monkeypatch.setattr(entry, "defer", lambda: None)
    return ["--executor_class_path", "x.Y", "--executor_input", "{}", "--component_spec", "{}"]


def test_an_error_for_the_user_is_a_sentence(failing: list[str], capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise UserError("the data has 3 anomalies")

    monkeypatch.setattr(entry, "run", fail)
    assert entry.main(failing) == 1
    assert capsys.readouterr().err == "error: the data has 3 anomalies\n"


def test_a_fault_is_a_traceback(failing: list[str], capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(options: argparse.Namespace, *_: object) -> None:
        raise ZeroDivisionError(options.executor_class_path)

    monkeypatch.setattr(entry, "run", fail)
    assert entry.main(failing) == 1
    assert capsys.readouterr().err.endswith("ZeroDivisionError: x.Y\n")


def test_the_mounts_are_where_the_environment_says(failing: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(entry, "run", lambda _, beam_args, mounts: seen.append((beam_args, mounts.path("gs://b/k"))))
    assert entry.main([*failing, "--runner=Fn"]) == 0
    monkeypatch.setenv("ANCHORLINE_MOUNTS", "/elsewhere")
    assert entry.main(failing) == 0
    assert seen == [(["--runner=Fn"], "/gcs/b/k"), ([], "/elsewhere/gcs/b/k")]
