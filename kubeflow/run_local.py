"""`anchorline kubeflow run-local`: the compiled spec on one machine, step by step, as KFP runs it on many."""

from __future__ import annotations

import datetime
import json
import os
import time
from collections.abc import Mapping
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
from pipeline.interrupt import remembered_interrupts
from pipeline.loader import load_data
from pipeline.lock import run_lock
from pipeline.quiet import chatter_to, waiting
from pipeline.summary import remark, summarize

if TYPE_CHECKING:
    from pipeline.create import Elsewhere

Json = dict[str, Any]

STORE = "minio://anchorline"
"""Bucket of a run's artifacts; a folder under the output folder is mounted in its place."""


@dataclass(frozen=True)
class Place:
    """Where one run keeps what it makes."""

    mounts_folder: Path
    run_id: str

    @property
    def root(self) -> str:
        """URI of the run's artifacts."""
        return f"{STORE}/{self.run_id}"

    @property
    def folder(self) -> Path:
        """Folder of the same."""
        return Path(Mounts(str(self.mounts_folder)).path(self.root))


@dataclass
class Artifact:
    """An artifact as `pipeline.facts` reads one."""

    uri: str
    custom_properties: Mapping[str, Any] = field(repr=False)


def run_local(config: PipelineConfig, config_path: str, console: Console, parameters: Mapping[str, str]) -> Facts:
    """Compile, run every step in a process of its own, and report as `anchorline run` does.

    Args:
        config: what to run.
        config_path: as the user gave it, for the next command to type.
        console: where to report.
        parameters: of the run, by name, where not their defaults.

    Raises:
        UserError: the data cannot be used, or a step failed; the text says which and how.
    """
    load_data(config.data, console)
    if "data_path" not in parameters:
        check_source(config.data)
    run_id = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S-%f")
    place = Place(config.output_folder / "kubeflow", run_id)
    with run_lock(config.output_folder), remembered_interrupts() as interrupts:
        try:
            with waiting(console, "compiling"), chatter_to(Path(os.devnull)):
                spec = compile_spec(config, _here(config))
            facts = run_steps(spec, config, place, console, run_parameters(spec, parameters))
        except KeyboardInterrupt:
            interrupts.check()
            raise
    summarize(config, config_path, facts, console)
    return facts


def run_steps(spec: Json, config: PipelineConfig, place: Place, console: Console, parameters: Json) -> Facts:
    """Run the steps of a spec one after the other, with the driver's inputs, and gather what came of them."""
    mounts = Mounts(str(place.mounts_folder))
    environment = {"ANCHORLINE_MOUNTS": str(place.mounts_folder)}
    produced: dict[str, dict[str, Json]] = {}
    start = time.monotonic()
    for task in order(spec["root"]["dag"]["tasks"]):
        folder = place.folder / task
        folder.mkdir(parents=True)
        file = folder / "output_metadata.json"
        given = executor_input(
            spec, task, parameters=parameters, produced=produced, root=place.root, output_file=str(file)
        )
        begin = time.monotonic()
        with waiting(console, task):
            run_process(task, fill(command_of(spec, task), given), environment, folder / "log")
        output = json.loads(file.read_text(encoding="utf-8"))
        produced[task] = recorded(given["outputs"], output, 1 + sum(map(len, produced.values())))
        facts = read_facts(_artifacts(produced, mounts))
        words = remark(config, task.replace("-", "_"), facts)
        console.print(f"[bold]{task:14}[/]{time.monotonic() - begin:7.1f} s   [dim]{words}[/]")
    console.print(f"[dim]{'all':14}{time.monotonic() - start:7.1f} s[/]")
    return facts


def command_of(spec: Json, task: str) -> list[str]:
    """Command and arguments of a task's container."""
    component = spec["components"][spec["root"]["dag"]["tasks"][task]["componentRef"]["name"]]
    container = spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
    return [*container["command"], *container["args"]]


def _artifacts(produced: Mapping[str, Mapping[str, Json]], mounts: Mounts) -> dict[str, dict[str, Artifact]]:
    """What was put out, by step and output key, as `pipeline.facts` wants it."""
    return {
        task.replace("-", "_"): {
            name: Artifact(mounts.path(one["uri"]), {key: _property(value) for key, value in one["metadata"].items()})
            for name, one in outputs.items()
        }
        for task, outputs in produced.items()
    }


def _property(value: Any) -> SimpleNamespace:
    number = isinstance(value, (int, float))
    return SimpleNamespace(string_value="" if number else str(value), int_value=int(value) if number else 0)


def _here(config: PipelineConfig) -> Elsewhere:
    from pipeline.create import Elsewhere

    return Elsewhere(data_path=config.data.path, serving_folder=str(config.serving_folder))
