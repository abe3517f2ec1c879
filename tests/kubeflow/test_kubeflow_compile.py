"""The compiled spec: its structure, and that KFP's own tools take it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, get_args

import kfp
import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from rich.console import Console

from components.errors import UserError
from kubeflow.compile import compile_spec, platform_spec, write_spec
from pipeline.config import PipelineConfig, load_config
from pipeline.create import create_pipeline
from pipeline.kubeflow_settings import KubeflowSettings, Step
from tests.kubeflow.conftest import Json, write_config

GOLDEN = Path(__file__).with_name("structure.yaml")


def structure(spec: Json) -> Json:
    """What the spec says of order, data flow and types; not the values of settings."""
    shown = {}
    for name, task in spec["root"]["dag"]["tasks"].items():
        component = spec["components"][task["componentRef"]["name"]]
        container = spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
        sources = {
            key: "{producerTask}.{outputArtifactKey}".format(**value["taskOutputArtifact"])
            for key, value in sorted(task["inputs"].get("artifacts", {}).items())
        }
        outputs = component.get("outputDefinitions", {}).get("artifacts", {})
        parameters = task["inputs"]["parameters"]
        shown[name] = {
            "after": sorted(task["dependentTasks"]),
            "artifacts": sources,
            "of the run": {
                key: value["componentInputParameter"]
                for key, value in sorted(parameters.items())
                if "componentInputParameter" in value
            },
            "settings": sorted(key for key, value in parameters.items() if "runtimeValue" in value),
            "puts out": {key: value["artifactType"]["schemaTitle"] for key, value in sorted(outputs.items())},
            "runs": [*container["command"], *container["args"][:2]],
        }
    inputs = spec["root"]["inputDefinitions"]["parameters"]
    return {"parameters": sorted(inputs), "tasks": shown}


def test_its_structure_is_the_one_on_record(spec: Json) -> None:
    assert structure(spec) == yaml.safe_load(GOLDEN.read_text(encoding="utf-8"))


def test_it_is_a_pipeline_spec_without_unknown_fields(spec: Json) -> None:
    message = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    assert message.schema_version == "2.1.0"
    assert message.pipeline_info.name == "small-faq"
    deployment = json_format.MessageToDict(message.deployment_spec)
    parsed = json_format.ParseDict(deployment, pipeline_spec_pb2.PipelineDeploymentConfig())
    assert len(parsed.executors) == len(message.components) == len(message.root.dag.tasks) == 10
    assert {executor.WhichOneof("spec") for executor in parsed.executors.values()} == {"container"}  # no resolver


def test_names_are_those_of_argo_and_kfp_local(spec: Json) -> None:
    assert not [name for name in spec["root"]["dag"]["tasks"] if "_" in name]
    assert all(name.startswith("comp-") for name in spec["components"])
    assert all(name.startswith("exec-") for name in spec["deploymentSpec"]["executors"])


def test_steps_of_the_settings_are_those_of_the_pipeline(spec: Json) -> None:
    assert {name.replace("-", "_") for name in spec["root"]["dag"]["tasks"]} == set(get_args(Step))


def test_parameters_have_the_config_as_defaults(spec: Json, config: PipelineConfig) -> None:
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert {name: one["defaultValue"] for name, one in parameters.items()} == {
        "data_path": config.data.path,
        "data_version": "",
        "gates": '{"mrr": {"min": 0.05, "max_drop": 0.02}}',
        "run_name": "",
    }
    assert all(one["isOptional"] for one in parameters.values())


def test_what_the_config_says_of_kubeflow_is_in_the_spec(tmp_path: Path) -> None:
    resources = {
        "train": {"cpu": 3.5, "memory": "6Gi", "accelerator": "nvidia.com/gpu", "accelerators": 2},
        "serving_check": {"memory": "512M"},
    }
    kubeflow = {
        "image": "registry.example/anchorline:7",
        "pipeline_root": "minio://mlpipeline/v2/artifacts",
        "data_path": "/data/faq.csv",
        "serving_folder": "/models",
        "caching": True,
        "retries": {"count": 3, "seconds": 20, "factor": 1.5, "longest": 90},
        "resources": resources,
    }
    spec = compile_spec(load_config(write_config(tmp_path, kubeflow=kubeflow)))  # the data is not on this machine
    tasks, executors = spec["root"]["dag"]["tasks"], spec["deploymentSpec"]["executors"]
    assert {one["container"]["image"] for one in executors.values()} == {"registry.example/anchorline:7"}
    assert spec["defaultPipelineRoot"] == "minio://mlpipeline/v2/artifacts"
    assert spec["root"]["inputDefinitions"]["parameters"]["data_path"]["defaultValue"] == "/data/faq.csv"
    assert (
        tasks["baseline"]["inputs"]["parameters"]["serving_folder"]["runtimeValue"]["constant"] == "/models/small_faq"
    )
    assert "/models/small_faq" in tasks["push"]["inputs"]["parameters"]["push_destination"]["runtimeValue"]["constant"]
    cached = {name for name, task in tasks.items() if task["cachingOptions"]["enableCache"]}
    assert tasks.keys() - cached == {"baseline", "push"}
    policy = {"maxRetryCount": 3, "backoffDuration": "20s", "backoffFactor": 1.5, "backoffMaxDuration": "90s"}
    assert all(task["retryPolicy"] == policy for task in tasks.values())
    wanted = {name: one["container"]["resources"] for name, one in executors.items() if "resources" in one["container"]}
    assert wanted == {
        "exec-train": {
            "cpuRequest": 3.5,
            "resourceCpuRequest": "3.5",
            "memoryRequest": pytest.approx(6 * 2**30 / 1e9),
            "resourceMemoryRequest": "6Gi",
            "memoryLimit": pytest.approx(6 * 2**30 / 1e9),
            "resourceMemoryLimit": "6Gi",
            "accelerator": {
                "type": "nvidia.com/gpu",
                "resourceType": "nvidia.com/gpu",
                "count": "2",
                "resourceCount": "2",
            },
        },
        "exec-serving-check": {
            "memoryRequest": pytest.approx(0.512),
            "resourceMemoryRequest": "512M",
            "memoryLimit": pytest.approx(0.512),
            "resourceMemoryLimit": "512M",
        },
    }
    json_format.ParseDict(spec["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig())


def test_caching_and_retries_are_off_unless_asked_for(spec: Json) -> None:
    for task in spec["root"]["dag"]["tasks"].values():
        assert task["cachingOptions"] == {"enableCache": False}
        assert "retryPolicy" not in task


def test_an_edit_changes_what_the_cache_goes_by(spec: Json, monkeypatch: pytest.MonkeyPatch, config: Any) -> None:
    def arguments(of: Json, step: str) -> list[str]:
        return of["deploymentSpec"]["executors"][f"exec-{step}"]["container"]["args"]

    monkeypatch.setattr("kubeflow.compile.code_version", lambda modules: "edited" if any(modules) else "same")
    edited = compile_spec(config)
    for step in ("ingest", "transform", "train", "evaluate", "push"):
        assert "edited" in arguments(edited, step)
        assert "edited" not in arguments(spec, step)
    assert "same" in arguments(edited, "statistics")  # nothing of ours runs there


@pytest.fixture
def file(config: PipelineConfig, tmp_path: Path) -> Path:
    written = tmp_path / "new folder" / "pipeline.yaml"
    write_spec(config, written, Console(quiet=True))
    return written


def test_kfp_loads_the_file_as_a_pipeline(file: Path) -> None:
    loaded = kfp.components.load_component_from_file(str(file))
    assert loaded.name == "small-faq"
    assert set(loaded.pipeline_spec.root.input_definitions.parameters) == {
        "data_path",
        "data_version",
        "gates",
        "run_name",
    }
    platforms = json_format.MessageToDict(loaded.platform_spec)["platforms"]
    (mount,) = platforms["kubernetes"]["deploymentSpec"]["executors"]["exec-train"]["pvcMount"]
    assert (mount["constant"], mount["mountPath"]) == ("anchorline", "/anchorline")
    assert [path.name for path in file.parent.iterdir()] == ["pipeline.yaml"]  # nothing half-written beside it


class _Runs(BaseHTTPRequestHandler):
    """Takes runs as KFP's API server does, and keeps what it was sent."""

    received: list[Json]

    def do_POST(self) -> None:
        self.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer({"run_id": "17", "experiment_id": "1", "display_name": "nightly"})

    def do_GET(self) -> None:
        self._answer({"multi_user": False})  # asked for its health

    def _answer(self, content: Json) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        del format, args


@pytest.fixture
def api() -> Iterator[tuple[str, list[Json]]]:
    _Runs.received = []
    with HTTPServer(("127.0.0.1", 0), _Runs) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", _Runs.received
        server.shutdown()


@pytest.mark.filterwarnings("ignore:This client only works with Kubeflow Pipeline v2:FutureWarning")
def test_the_client_packs_it_into_a_run(file: Path, api: tuple[str, list[Json]], spec: Json) -> None:
    host, received = api
    client = kfp.Client(host=host, namespace="kubeflow", verify_ssl=False)
    run = client.run_pipeline("1", "nightly", pipeline_package_path=str(file), params={"run_name": "nightly"})
    assert run.run_id == "17"
    (sent,) = received
    assert sent["runtime_config"]["parameters"] == {"run_name": "nightly"}
    assert sent["pipeline_spec"]["pipeline_spec"]["root"]["dag"]["tasks"].keys() == spec["root"]["dag"]["tasks"].keys()
    assert "kubernetes" in sent["pipeline_spec"]["platform_spec"]["platforms"]


def test_without_volumes_there_is_no_platform_spec(spec: Json) -> None:
    assert platform_spec(spec, KubeflowSettings(volumes={})) is None


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("pipeline.json", "pipeline.json: must end in .yaml"),
        ("/sys/pipeline.yaml", "/sys/pipeline.yaml: cannot be written: "),
    ],
)
def test_a_file_that_cannot_be_is_refused(config: PipelineConfig, output: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        write_spec(config, Path(output), Console(quiet=True))


def test_a_committed_schema_is_in_the_spec(tmp_path: Path) -> None:
    (tmp_path / "s.pbtxt").write_text('feature { name: "question" type: BYTES }', encoding="utf-8")
    spec = compile_spec(load_config(write_config(tmp_path, schema_path="s.pbtxt")))
    given = spec["root"]["dag"]["tasks"]["schema"]["inputs"]["parameters"]["text"]["runtimeValue"]["constant"]
    assert given == 'feature { name: "question" type: BYTES }'
    with pytest.raises(UserError, match=r"nope.pbtxt: there is no such file \(schema_path\)"):
        compile_spec(load_config(write_config(tmp_path, schema_path="nope.pbtxt")))


def test_beams_options_reach_every_beam_step(tmp_path: Path) -> None:
    options = {"project": "p", "region": "r", "temp_location": "gs://b/tmp", "sdk_container_image": "i:1"}
    beam = {"runner": "dataflow", "options": {**options, "max_num_workers": 8}}
    config = load_config(write_config(tmp_path, beam=beam))
    executors = compile_spec(config)["deploymentSpec"]["executors"]
    for step in ("ingest", "statistics", "transform", "evaluate"):
        args = executors[f"exec-{step}"]["container"]["args"]
        assert [arg for arg in args if arg in config.beam.args] == config.beam.args
        assert "--max_num_workers=8" in args
    with pytest.raises(UserError, match="dataflow, whose workers cannot see the folder"):
        create_pipeline(config)
