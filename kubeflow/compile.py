"""`anchorline kubeflow compile`: one config in, one KFP v2 pipeline spec out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from rich.console import Console

from components.errors import UserError
from kubeflow.portable import COMMAND, Spec, portable, task_name
from pipeline.code_version import code_version
from pipeline.config import PipelineConfig
from pipeline.kubeflow_settings import KubeflowSettings, Resources, Retries
from pipeline.quiet import chatter_to, waiting
from serving.whole_file import write_whole

if TYPE_CHECKING:
    from pipeline.create import Elsewhere

FRESH = ("baseline", "push")
"""Steps that the cache never stands in for: what they read or change is no artifact."""


def write_spec(config: PipelineConfig, file: Path, console: Console) -> None:
    """Compile and write the spec, and for its volumes the platform spec as a second document.

    Raises:
        UserError: the file's name does not end in .yaml, or it cannot be written.
    """
    if file.suffix not in (".yaml", ".yml"):
        raise UserError(f"{file}: must end in .yaml, by which the KFP client knows a pipeline")
    with waiting(console, "loading TFX"), chatter_to(Path(os.devnull)):
        spec = compile_spec(config)
    documents = [spec, *([platform] if (platform := platform_spec(spec, config.kubeflow)) else [])]
    _write(documents, file)
    steps, parameters = spec["root"]["dag"]["tasks"], spec["root"]["inputDefinitions"]["parameters"]
    console.print(f"[green]✓[/] {file}: {len(steps)} steps in {config.kubeflow.image}", soft_wrap=True)
    for name, definition in sorted(parameters.items()):
        console.print(f"  {name} = {definition['defaultValue'] or '(empty)'}", soft_wrap=True, markup=False)
    if config.kubeflow.data_path is None and Path(config.data.path).is_absolute():
        console.print(
            "[yellow]![/] data_path is a path of this machine; kubeflow.data_path says where the steps find it"
        )


def compile_spec(config: PipelineConfig, elsewhere: Elsewhere | None = None) -> Spec:
    """The pipeline spec of a config, as a dictionary.

    Args:
        config: what to compile.
        elsewhere: where steps find the data and push to; by default as the section `kubeflow` says.

    Raises:
        UserError: the committed schema that the config names cannot be read.
    """
    from tfx.orchestration.data_types import RuntimeParameter
    from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig

    from pipeline.create import create_pipeline

    settings = config.kubeflow
    pipeline = create_pipeline(config, elsewhere or _elsewhere(config))
    options = KubeflowV2DagRunnerConfig(
        default_image=settings.image, default_commands=list(COMMAND), use_pipeline_spec_2_1=True
    )
    values = [value for step in pipeline.components for value in step.exec_properties.values()]
    spec = portable(
        KubeflowV2DagRunner(options).run(pipeline, write_out=False)["pipelineSpec"],
        defaults={value.name: value.default for value in values if isinstance(value, RuntimeParameter)},
        code_versions={step.id: _code_version(step) for step in pipeline.components},
    )
    for step in (component.id for component in pipeline.components):
        _apply(settings, step, spec)
    if settings.pipeline_root:
        spec["defaultPipelineRoot"] = settings.pipeline_root
    return spec


def platform_spec(spec: Spec, settings: KubeflowSettings) -> Spec | None:
    """What a pipeline spec cannot say and Kubernetes wants to know: the volumes of every step, if there are any."""
    mounts = [
        {"constant": claim, "pvcNameParameter": {"runtimeValue": {"constant": claim}}, "mountPath": path}
        for claim, path in settings.volumes.items()
    ]
    if not mounts:
        return None
    executors = {name: {"pvcMount": mounts} for name in spec["deploymentSpec"]["executors"]}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def _elsewhere(config: PipelineConfig) -> Elsewhere:
    from pipeline.create import Elsewhere

    settings = config.kubeflow
    serving_folder = f"{settings.serving_folder}/{config.name}"
    return Elsewhere(data_path=settings.data_path or config.data.path, serving_folder=serving_folder)


def _code_version(step: Any) -> str:
    """Fingerprint of the code that a step runs: its executor's, and of functions that are named to it."""
    executor = step.executor_spec.executor_class
    named = [value for value in step.exec_properties.values() if isinstance(value, str)]
    ours = [name for name in (executor.__module__, *named) if name.startswith("components.")]
    return code_version(ours)


def _apply(settings: KubeflowSettings, step: Any, spec: Spec) -> None:
    """Write what the config says of one step into the spec."""
    name = task_name(step)
    task = spec["root"]["dag"]["tasks"][name]
    task["cachingOptions"] = {"enableCache": settings.caching and step not in FRESH}
    if settings.retries.count:
        task["retryPolicy"] = _retry_policy(settings.retries)
    if resources := settings.resources.get(step):
        spec["deploymentSpec"]["executors"][f"exec-{name}"]["container"]["resources"] = _resources(resources)


def _retry_policy(retries: Retries) -> Spec:
    return {
        "maxRetryCount": retries.count,
        "backoffDuration": f"{retries.seconds}s",
        "backoffFactor": retries.factor,
        "backoffMaxDuration": f"{retries.longest}s",
    }


def _resources(resources: Resources) -> Spec:
    """Each twice: as KFP's servers read it since 2.4, and as older ones do."""
    spec: Spec = {}
    if resources.cpu is not None:
        spec |= {"resourceCpuRequest": f"{resources.cpu:g}", "cpuRequest": resources.cpu}
    if resources.memory is not None:
        for bound in ("Request", "Limit"):
            spec |= {f"resourceMemory{bound}": resources.memory, f"memory{bound}": resources.gigabytes}
    if resources.accelerator is not None:
        count = resources.accelerators
        spec["accelerator"] = {"type": resources.accelerator, "resourceType": resources.accelerator}
        spec["accelerator"] |= {"count": str(count), "resourceCount": str(count)}
    return spec


class _Dumper(yaml.SafeDumper):
    """YAML's safe dumper without anchors, which people read badly and some of KFP's parsers not at all."""

    def ignore_aliases(self, data: object) -> bool:
        """Always write a value out."""
        del data
        return True


def _write(documents: list[Spec], file: Path) -> None:
    """All at once or not at all."""
    header = f"# Pipeline {documents[0]['pipelineInfo']['name']} for Kubeflow Pipelines v2, compiled by Anchorline.\n"
    text = header + yaml.dump_all(documents, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=120)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, text)
    except OSError as error:
        raise UserError(f"{file}: cannot be written: {error.strerror}") from None
