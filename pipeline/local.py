"""Runs a pipeline in this process, step after step, and says how each went."""

import datetime
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler.compiler import Compiler
from tfx.dsl.compiler.constants import PIPELINE_RUN_ID_PARAMETER_NAME
from tfx.orchestration.local import runner_utils
from tfx.orchestration.metadata import Metadata
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable.launcher import Launcher
from tfx.orchestration.portable.runtime_parameter_utils import substitute_runtime_parameter
from tfx.proto.orchestration import pipeline_pb2

from pipeline.code_version import code_version
from pipeline.facts import Artifact
from pipeline.history import read_outputs

_Execution = metadata_store_pb2.Execution
_CODE_VERSION = "code_version"
_NEVER_CACHED = "push"  # what it reads and changes, the folder of versions, is no artifact


@dataclass(frozen=True)
class Step:
    """One finished step."""

    name: str
    seconds: float
    cached: bool
    outputs: dict[str, Artifact] = field(repr=False)


class StepError(Exception):
    """A step failed; the cause is what its executor raised."""

    def __init__(self, step: str) -> None:
        super().__init__(f"step {step} failed")
        self.step = step


def run_steps(pipeline: Pipeline, announce: Callable[[str], None], kind: str = "") -> Iterator[Step]:
    """Run every step in turn; TFX's cache stands in for those whose inputs, settings and code are as before, save push.

    Args:
        pipeline: what to run.
        announce: is told the name of each step before it starts.
        kind: with which the run's id begins.

    Yields:
        Each step when it is done.

    Raises:
        StepError: a step failed; later ones are not started.
    """
    compiled = Compiler().compile(pipeline)
    run_id = kind + datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S-%f")
    substitute_runtime_parameter(compiled, {PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
    deployment = runner_utils.extract_local_deployment_config(compiled)
    connection = deployment.metadata_connection_config
    metadata = Metadata(getattr(connection, connection.WhichOneof("connection_config")))
    for node in (entry.pipeline_node for entry in compiled.nodes):
        name = node.node_info.id
        executor = runner_utils.extract_executor_spec(deployment, name)
        _add_code_version(node, executor)
        if name == _NEVER_CACHED:
            node.execution_options.caching_options.enable_cache = False
        launcher = Launcher(
            pipeline_node=node,
            mlmd_connection=metadata,
            pipeline_info=compiled.pipeline_info,
            pipeline_runtime_spec=compiled.runtime_spec,
            executor_spec=executor,
            custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, name),
        )
        announce(name)
        start = time.monotonic()
        try:
            info = launcher.launch()
            cached, outputs = _published(metadata, info.execution_id)
        except Exception as error:
            raise StepError(name) from error
        yield Step(name, time.monotonic() - start, cached, outputs)


def _add_code_version(node: pipeline_pb2.PipelineNode, executor: Message) -> None:
    """Make the code a step runs part of its cache key, as one more parameter."""
    modules = [_class_path(executor)]
    modules += [value.field_value.string_value for value in node.parameters.parameters.values()]
    ours = [name for name in modules if name.startswith("components.")]
    node.parameters.parameters[_CODE_VERSION].field_value.string_value = code_version(ours)


def _class_path(executor: Any) -> str:
    return getattr(executor, "python_executor_spec", executor).class_path  # Beam executors wrap the Python one


def _published(metadata: Metadata, execution_id: int) -> tuple[bool, dict[str, Artifact]]:
    """Whether the cache stood in for a step, and what it published.

    Read from the metadata store: a driver that fails raises nothing and is only noted there, and so are properties that
    an executor gives its artifacts.
    """
    with metadata as handle:
        (execution,) = handle.store.get_executions_by_id([execution_id])
        outputs = read_outputs(handle.store, execution_id)
    if execution.last_known_state not in (_Execution.COMPLETE, _Execution.CACHED):
        state = _Execution.State.Name(execution.last_known_state)
        raise RuntimeError(f"TFX left the step in state {state}: {dict(execution.custom_properties)}")
    return execution.last_known_state == _Execution.CACHED, outputs
