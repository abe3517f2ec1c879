"""`anchorline kubeflow run-local`: the compiled spec on one machine, step by step, as KFP runs it on many."""

from __future__ import annotations

import datetime
import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from rich.console import Console

from components.ingest.check import check_source
from kubeflow.compile import compile_spec
from kubeflow.driver import executor_input, order, recorded, run_parameters
from kubeflow.mounts import Mounts
from kubeflow.processes import fill, run_process
from pipeline.config import PipelineConfig
from pipeline.facts import Facts, read_facts
from pipeline.interrupt import InterruptError
from pipeline.loader import load_data
from pipeline.lock import run_lock
from pipeline.quiet import chatter_to, waiting
from pipeline.summary import remark, summarize

if TYPE_CHECKING:
    from pipeline.create import Elsewhere

Json = dict[str, Any]

STORE = "minio://anchorline"
"""Bucket of a run's artifacts where steps are processes; a folder under the output folder is mounted in its place."""


@dataclass
class Artifact:
    """An artifact as `pipeline.facts` reads one."""

    uri: str
    custom_properties: Mapping[str, Any] = field(repr=False)


class Report:
    """Gathers what steps put out, and says how each went."""

    def __init__(self, config: PipelineConfig, mounts: Mounts, console: Console) -> None:
        self._config = config
        self._mounts = mounts
        self.console = console
        self.produced: dict[str, dict[str, Json]] = {}

    def step(self, task: str, seconds: float, artifacts: dict[str, Json]) -> None:
        """A step is done."""
        self.produced[task] = artifacts
        words = remark(self._config, task.replace("-", "_"), self.facts())
        self.console.print(f"[bold]{task:14}[/]{seconds:7.1f} s   [dim]{words}[/]")

    def facts(self) -> Facts:
        """What is known so far."""
        return read_facts(
            {
                task.replace("-", "_"): {name: self._artifact(one) for name, one in artifacts.items()}
                for task, artifacts in self.produced.items()
            }
        )

    def _artifact(self, artifact: Json) -> Artifact:
        properties = {key: _property(value) for key, value in artifact["metadata"].items()}
        return Artifact(self._mounts.path(artifact["uri"]), properties)


def run_local(
    config: PipelineConfig, config_path: str, console: Console, parameters: Mapping[str, str], *, containers: bool
) -> Facts:
    """Compile, run every step, and report as `anchorline run` does.

    Args:
        config: what to run.
        config_path: as the user gave it, for the next command to type.
        console: where to report.
        parameters: of the run, by name, where not their defaults.
        containers: whether each step runs in a container, or as a process.

    Raises:
        UserError: the data cannot be used, or a step failed; the text says which and how.
    """
    folder = config.output_folder / "kubeflow"
    report = Report(config, Mounts(str(folder)), console)
    run_id = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S-%f")
    with run_lock(config.output_folder):
        load_data(config.data, console)
        if "data_path" not in parameters:
            check_source(config.data)
        try:
            with waiting(console, "compiling"), chatter_to(Path(os.devnull)):
                spec = compile_spec(config, _here(config))
            values = run_parameters(spec, parameters)
            start = time.monotonic()
            if containers:
                _in_containers(config, spec, folder / run_id, values, report)
            else:
                _as_processes(spec, folder, run_id, values, report)
        except KeyboardInterrupt:
            raise InterruptError("interrupted; the next run begins anew") from None
    console.print(f"[dim]{'all':14}{time.monotonic() - start:7.1f} s[/]")
    facts = report.facts()
    summarize(config, config_path, facts, console)
    return facts


def _as_processes(spec: Json, folder: Path, run_id: str, parameters: Json, report: Report) -> None:
    root = f"{STORE}/{run_id}"
    run_folder = Path(Mounts(str(folder)).path(root))
    for task in order(spec["root"]["dag"]["tasks"]):
        task_folder = run_folder / task
        task_folder.mkdir(parents=True)
        file = task_folder / "output_metadata.json"
        given = executor_input(
            spec, task, parameters=parameters, produced=report.produced, root=root, output_file=str(file)
        )
        begin = time.monotonic()
        with waiting(report.console, task):
            command = fill(command_of(spec, task), given)
            run_process(task, command, {"ANCHORLINE_MOUNTS": str(folder)}, task_folder / "log")
        output = json.loads(file.read_text(encoding="utf-8"))
        known = sum(map(len, report.produced.values()))
        report.step(task, time.monotonic() - begin, recorded(given["outputs"], output, known + 1))


def _in_containers(config: PipelineConfig, spec: Json, folder: Path, parameters: Json, report: Report) -> None:
    from kubeflow.containers import run_containers

    report.console.file = sys.stdout  # and not where it points when kfp prints
    folder.mkdir(parents=True)
    config.serving_folder.mkdir(parents=True, exist_ok=True)
    with (folder / "kfp.log").open("w", encoding="utf-8") as log, redirect_stdout(log), chatter_to(folder / "kfp.err"):
        run_containers(spec, folder, parameters, [config.serving_folder], report.step, readable=_read_by(config))


def _read_by(config: PipelineConfig) -> list[Path]:
    """What steps read beside the data: pictures that its rows name, and what encoders are made of."""
    pictures = [Path(config.data.image_folder)] if config.data.image_folder else []
    return [*pictures, *(file.parent for file in config.trainer_settings.files)]


def command_of(spec: Json, task: str) -> list[str]:
    """Command and arguments of a task's container."""
    component = spec["components"][spec["root"]["dag"]["tasks"][task]["componentRef"]["name"]]
    container = spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
    return [*container["command"], *container["args"]]


def _property(value: Any) -> SimpleNamespace:
    number = isinstance(value, (int, float))
    return SimpleNamespace(string_value="" if number else str(value), int_value=int(value) if number else 0)


def _here(config: PipelineConfig) -> Elsewhere:
    from pipeline.create import Elsewhere

    return Elsewhere(data_path=config.data.path, serving_folder=str(config.serving_folder))
