"""What KFP's driver does for a step: resolve its inputs from what earlier steps put out, provide for its own outputs.

After resolveInputs and provisionOutputs in kubeflow/pipelines, backend/src/v2/driver. The runner on this machine drives
steps with it, and tests give the steps' entry the same input as a cluster does.
"""

from collections.abc import Mapping
from graphlib import TopologicalSorter
from typing import Any

from components.errors import UserError

Json = dict[str, Any]

UNKNOWN_TYPE = {"instanceSchema": ""}
"""The type of every input: KFP's driver does not know the schema of what it reads from its metadata store."""


def order(tasks: Mapping[str, Json]) -> list[str]:
    """Names of tasks, each behind all that it depends on."""
    return list(
        TopologicalSorter({name: task.get("dependentTasks", []) for name, task in tasks.items()}).static_order()
    )


def run_parameters(spec: Json, given: Mapping[str, Any]) -> Json:
    """The values of a run's parameters: those given, else their defaults.

    Raises:
        UserError: one is given that the pipeline does not have.
    """
    known = spec["root"]["inputDefinitions"]["parameters"]
    if unknown := given.keys() - known.keys():
        names = ", ".join(sorted(known))
        raise UserError(f"--parameter {min(unknown)}: the pipeline has none of this name; it has {names}")
    return {name: definition["defaultValue"] for name, definition in known.items()} | dict(given)


def executor_input(
    spec: Json, task: str, *, parameters: Json, produced: Mapping[str, Json], root: str, output_file: str
) -> Json:
    """The ExecutorInput of a task, as JSON.

    Args:
        spec: the pipeline.
        task: its name.
        parameters: of the run.
        produced: by task and output, artifacts that earlier tasks put out, as `recorded` writes them.
        root: URI below which the run's artifacts lie.
        output_file: where the step is to write its ExecutorOutput.
    """
    given = spec["root"]["dag"]["tasks"][task]
    values = {name: _value(source, parameters) for name, source in given["inputs"].get("parameters", {}).items()}
    artifacts = {}
    for name, source in given["inputs"].get("artifacts", {}).items():
        output = source["taskOutputArtifact"]
        artifacts[name] = {"artifacts": [produced[output["producerTask"]][output["outputArtifactKey"]]]}
    definitions = spec["components"][given["componentRef"]["name"]].get("outputDefinitions", {})
    outputs = {
        name: {"artifacts": [{"uri": f"{root.rstrip('/')}/{task}/{name}", "type": definition["artifactType"]}]}
        for name, definition in definitions.get("artifacts", {}).items()
    }
    return {
        "inputs": {"parameterValues": values, "artifacts": artifacts},
        "outputs": {"artifacts": outputs, "outputFile": output_file},
    }


def recorded(provided: Json, output: Json, first_id: int) -> dict[str, Json]:
    """Outputs of a task as the driver of a later one reads them back, by name.

    Args:
        provided: `outputs` of the task's ExecutorInput.
        output: its ExecutorOutput, of which URIs and metadata count.
        first_id: of the metadata store, which takes the place of the artifact's name.
    """
    artifacts = {}
    for number, (name, value) in enumerate(provided["artifacts"].items(), first_id):
        own = value["artifacts"][0]
        (said,) = output.get("artifacts", {}).get(name, {}).get("artifacts") or [{}]
        metadata = own.get("metadata", {}) | said.get("metadata", {})
        artifacts[name] = {
            "name": str(number),
            "type": UNKNOWN_TYPE,
            "uri": said.get("uri") or own["uri"],
            "metadata": metadata | {"display_name": name, "store_session_info": "{}"},
        }
    return artifacts


def _value(source: Json, parameters: Json) -> Any:
    if "componentInputParameter" in source:
        return parameters[source["componentInputParameter"]]
    return source["runtimeValue"]["constant"]
