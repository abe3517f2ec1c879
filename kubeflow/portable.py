"""Makes of the pipeline spec that TFX writes, which is for Vertex AI, one that open-source Kubeflow Pipelines takes.

What has to change, and who minds:

- Artifact types of TFX become `system.*`. kfp.local knows no others, and newer servers refuse them. The types TFX needs
  are told to the step's entry, which puts them back (`entry`).
- Names get KFP's prefixes `comp-` and `exec-`, which kfp.local strips without looking, and lose underscores, which Argo
  refuses in names of tasks.
- The driver of an ExampleGen, a hook of Vertex AI that KFP does not run, becomes a flag of the step's entry.
- Defaults of runtime parameters, which TFX drops, come back.
"""

import json
from collections.abc import Mapping
from typing import Any

import yaml

Spec = dict[str, Any]

COMMAND = ("python", "-m", "kubeflow.entry")
SYSTEM_TYPES = {"tfx.Examples": "system.Dataset", "tfx.Model": "system.Model", "tfx.PushedModel": "system.Model"}
"""KFP's name for an artifact type of TFX, where it has a closer one than system.Artifact."""

_INPUTS_SPEC = "--json_serialized_inputs_spec_args"
_INVOCATION = "--json_serialized_invocation_args"
_CLASS = "--executor_class_path"


def portable(spec: Spec, defaults: Mapping[str, Any], code_versions: Mapping[str, str]) -> Spec:
    """Translate a pipeline spec.

    Args:
        spec: of TFX's KubeflowV2DagRunner, version 2.1, as a dictionary.
        defaults: of the runtime parameters.
        code_versions: fingerprint of the code behind each step, which makes the server's cache notice an edit.

    Returns:
        A new one.
    """
    executors = spec["deploymentSpec"]["executors"]
    components, containers = {}, {}
    for name, component in spec["components"].items():
        container = executors[component["executorLabel"]]["container"]
        containers[f"exec-{task_name(name)}"] = {"container": _container(container, component, code_versions[name])}
        components[f"comp-{task_name(name)}"] = _component(component, f"exec-{task_name(name)}")
    tasks = {task_name(name): _task(task) for name, task in spec["root"]["dag"]["tasks"].items()}
    parameters = {
        name: definition | {"defaultValue": defaults[name], "isOptional": True}
        for name, definition in spec["root"]["inputDefinitions"]["parameters"].items()
    }
    return {
        "pipelineInfo": {"name": spec["pipelineInfo"]["name"]},
        "schemaVersion": spec["schemaVersion"],
        "sdkVersion": spec["sdkVersion"],
        "root": {"dag": {"tasks": tasks}, "inputDefinitions": {"parameters": parameters}},
        "components": components,
        "deploymentSpec": {"executors": containers},
    }


def task_name(step: str) -> str:
    """A step's name as Argo allows it."""
    return step.replace("_", "-")


def _component(component: Spec, executor: str) -> Spec:
    translated: Spec = {"executorLabel": executor}
    for side in ("inputDefinitions", "outputDefinitions"):
        if side in component:
            translated[side] = _definitions(component[side], _system_type)
    return translated


def _task(task: Spec) -> Spec:
    inputs = task.get("inputs", {})
    translated: Spec = {
        "taskInfo": {"name": task_name(task["taskInfo"]["name"])},
        "componentRef": {"name": f"comp-{task_name(task['componentRef']['name'])}"},
        "dependentTasks": [task_name(name) for name in task.get("dependentTasks", [])],
        "inputs": {"parameters": inputs.get("parameters", {})},
    }
    artifacts = {name: source["taskOutputArtifact"] for name, source in inputs.get("artifacts", {}).items()}
    if artifacts:
        translated["inputs"]["artifacts"] = {
            name: {"taskOutputArtifact": source | {"producerTask": task_name(source["producerTask"])}}
            for name, source in artifacts.items()
        }
    return translated


def _container(container: Spec, component: Spec, code_version: str) -> Spec:
    options = dict(zip(container["args"][:6:2], container["args"][1:6:2], strict=True))
    definitions = {
        side: _definitions(component[side], _tfx_type)
        for side in ("inputDefinitions", "outputDefinitions")
        if side in component
    }
    if options.keys() != {_CLASS, _INVOCATION, _INPUTS_SPEC}:
        raise ValueError(f"TFX calls its executor with {sorted(options)}, which is not what is translated here")
    arguments = [_CLASS, options[_CLASS], "--executor_input", options[_INVOCATION]]
    arguments += ["--component_spec", json.dumps(definitions, separators=(",", ":"), sort_keys=True)]
    arguments += ["--code_version", code_version]
    if "lifecycle" in container:
        arguments.append("--example_gen_driver")
    beam = container["args"][6:]
    return {"image": container["image"], "command": list(COMMAND), "args": [*arguments, *beam]}


def _definitions(definitions: Spec, translate: Any) -> Spec:
    translated = dict(definitions)
    if "artifacts" in definitions:
        translated["artifacts"] = {
            name: artifact | {"artifactType": translate(_title(artifact["artifactType"]))}
            for name, artifact in definitions["artifacts"].items()
        }
    return translated


def _title(artifact_type: Spec) -> str:
    return str(yaml.safe_load(artifact_type["instanceSchema"])["title"])


def _tfx_type(title: str) -> Spec:
    return {"schemaTitle": title}


def _system_type(title: str) -> Spec:
    return {"schemaTitle": SYSTEM_TYPES.get(title, "system.Artifact"), "schemaVersion": "0.0.1"}
