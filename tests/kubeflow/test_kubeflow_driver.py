"""The driver on a pipeline of two steps: what it gives a step, and what it makes of what a step put out."""

from typing import Any

import pytest

from components.errors import UserError
from kubeflow.driver import executor_input, order, recorded, run_parameters

ARTIFACT = {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"}
SPEC: dict[str, Any] = {
    "root": {
        "dag": {
            "tasks": {
                "push": {
                    "componentRef": {"name": "comp-push"},
                    "dependentTasks": ["train"],
                    "inputs": {
                        "artifacts": {
                            "candidate": {"taskOutputArtifact": {"producerTask": "train", "outputArtifactKey": "model"}}
                        },
                        "parameters": {
                            "name": {"componentInputParameter": "run_name"},
                            "rows": {"runtimeValue": {"constant": 20.0}},
                        },
                    },
                },
                "train": {"componentRef": {"name": "comp-train"}, "inputs": {}},
            }
        },
        "inputDefinitions": {"parameters": {"run_name": {"defaultValue": ""}, "data_path": {"defaultValue": "/d"}}},
    },
    "components": {
        "comp-train": {"outputDefinitions": {"artifacts": {"model": {"artifactType": ARTIFACT}}}},
        "comp-push": {},
    },
}


def test_a_step_comes_behind_what_it_depends_on() -> None:
    assert order(SPEC["root"]["dag"]["tasks"]) == ["train", "push"]


def test_inputs_are_what_the_step_before_put_out() -> None:
    first = executor_input(SPEC, "train", parameters={}, produced={}, root="minio://b/run/", output_file="/o.json")
    assert first == {
        "inputs": {"parameterValues": {}, "artifacts": {}},
        "outputs": {
            "artifacts": {"model": {"artifacts": [{"uri": "minio://b/run/train/model", "type": ARTIFACT}]}},
            "outputFile": "/o.json",
        },
    }
    output = {"artifacts": {"model": {"artifacts": [{"uri": "minio://b/else/where", "metadata": {"blessed": 1.0}}]}}}
    produced = {"train": recorded(first["outputs"], output, 7)}
    parameters = run_parameters(SPEC, {"run_name": "nightly"})
    second = executor_input(
        SPEC, "push", parameters=parameters, produced=produced, root="minio://b/run", output_file="o"
    )
    (candidate,) = second["inputs"]["artifacts"]["candidate"]["artifacts"]
    assert candidate["uri"] == "minio://b/else/where"  # as in mergeRuntimeArtifacts, what the step says counts
    assert candidate["name"] == "7"
    assert candidate["type"] == {"instanceSchema": ""}
    assert candidate["metadata"]["blessed"] == 1.0
    assert second["inputs"]["parameterValues"] == {"name": "nightly", "rows": 20.0}
    assert second["outputs"]["artifacts"] == {}


def test_a_step_may_say_nothing_of_an_output() -> None:
    given = executor_input(SPEC, "train", parameters={}, produced={}, root="s3://b", output_file="o")
    assert recorded(given["outputs"], {}, 1)["model"]["uri"] == "s3://b/train/model"


def test_parameters_have_defaults_and_unknown_ones_are_refused() -> None:
    assert run_parameters(SPEC, {"data_path": "/e"}) == {"run_name": "", "data_path": "/e"}
    with pytest.raises(UserError, match="--parameter rum_name: the pipeline has none of this name; it has data_path"):
        run_parameters(SPEC, {"rum_name": "x"})
