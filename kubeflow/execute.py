"""Calls a TFX executor with an ExecutorInput of KFP whose artifacts have TFX's types and local paths.

TFX's own `kubeflow_v2_run_executor` does the same, but imports TensorFlow Model Analysis to ask one question.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as utils
from tfx.orchestration.portable import outputs_utils
from tfx.types import Artifact
from tfx.types.standard_artifacts import ModelBlessing
from tfx.utils import import_utils

Json = dict[str, Any]


def execute(class_path: str, executor_input: Json, inputs_spec: Json, beam_args: Sequence[str]) -> Json:
    """Run an executor.

    Args:
        class_path: its class, `module.Class`.
        executor_input: ExecutorInput, as JSON.
        inputs_spec: ComponentInputsSpec, as JSON; tells which numbers among the parameters are whole.
        beam_args: for executors that run Beam.

    Returns:
        ExecutorOutput, as JSON: for each output where it lies and what the executor noted on it.
    """
    given = _parse(executor_input, pipeline_spec_pb2.ExecutorInput())
    names: dict[int, str] = {}
    inputs = utils.parse_raw_artifact_dict(given.inputs.artifacts, names)
    outputs = utils.parse_raw_artifact_dict(given.outputs.artifacts, names)
    properties = utils.parse_execution_properties(
        given.inputs.parameter_values,
        given.inputs.parameters,
        _parse(inputs_spec, pipeline_spec_pb2.ComponentInputsSpec()),
    )
    task_folder = Path(given.outputs.output_file).parent
    executor_class = import_utils.import_class_by_path(class_path)
    flags = {"beam_pipeline_args" if _runs_beam(executor_class) else "extra_flags": list(beam_args)}
    context = executor_class.Context(unique_id=task_folder.name, tmp_dir=str(task_folder / ".temp"), **flags)
    executor_class(context).Do(inputs, outputs, properties)
    outputs_utils.tag_output_artifacts_with_version(outputs)
    for artifact in (artifact for artifacts in outputs.values() for artifact in artifacts):
        if isinstance(artifact, ModelBlessing):
            utils.refactor_model_blessing(artifact, names)
    return {"artifacts": {name: _artifacts(artifacts, names) for name, artifacts in outputs.items()}}


def _runs_beam(executor_class: type) -> bool:
    """Whether it derives from TFX's executor for Beam, which is not imported, and with it Beam, to find out."""
    return any(base.__module__ == "tfx.dsl.components.base.base_beam_executor" for base in executor_class.__mro__)


def _artifacts(artifacts: Sequence[Artifact], names: dict[int, str]) -> Json:
    return {"artifacts": [json_format.MessageToDict(utils.to_runtime_artifact(one, names)) for one in artifacts]}


def _parse(content: Json, message: Any) -> Any:
    return json_format.ParseDict(content, message, ignore_unknown_fields=True)
