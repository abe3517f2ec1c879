"""Where the Beam jobs of a pipeline run: in this process, in several of this machine, or on a cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Runner = Literal["direct", "portable", "flink", "spark", "dataflow"]
Option = bool | int | float | str | list[str]

_RUNNERS: Mapping[Runner, str] = {
    # Beam's default runner tries to download the Prism binary; this one is part of the package.
    "direct": "apache_beam.runners.portability.fn_api_runner.FnApiRunner",
    "portable": "PortableRunner",
    "flink": "FlinkRunner",
    "spark": "SparkRunner",
    "dataflow": "DataflowRunner",
}
_NEEDED: Mapping[Runner, tuple[str, ...]] = {
    "direct": (),
    "portable": ("job_endpoint", "environment_type"),
    "flink": ("flink_master", "environment_type"),
    "spark": ("spark_master_url", "environment_type"),
    "dataflow": ("project", "region", "temp_location", "sdk_container_image"),
}
"""Options without which a runner would take a default that cannot work here: Beam's own image lacks this package."""

_OF_ONE = {"direct_": "direct", "flink_": "flink", "spark_": "spark", "dataflow_": "dataflow"}
_MODES = ("in_memory", "multi_threading", "multi_processing")
_PACKAGING = ("sdk_container_image", "setup_file", "requirements_file", "extra_package", "extra_packages")


class BeamSettings(BaseModel):
    """The runner of every Beam step, and its options."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    runner: Runner = Field(
        default="direct", description="`direct` is this machine; kubeflow/README.md has the lines for each other one."
    )
    options: dict[str, Option] = Field(
        default={},
        description="Beam's pipeline options, without the dashes: `{direct_num_workers: 2, direct_running_mode: "
        "multi_processing}`. `true` is a flag without a value, a list an option that is given several times.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, value in self.options.items():
            _check_option(name, value, self.runner)
        missing = [name for name in _NEEDED[self.runner] if name not in self.options]
        if missing:
            raise ValueError(f"the runner {self.runner} needs the options {', '.join(missing)}, which are not given")
        self._check_workers()
        return self

    def _check_workers(self) -> None:
        mode, workers = self.options.get("direct_running_mode", "in_memory"), self.options.get("direct_num_workers", 1)
        if mode not in _MODES:
            raise ValueError(f"direct_running_mode is {mode!r}; allowed are {', '.join(_MODES)}")
        if mode == "in_memory" and workers != 1:
            raise ValueError(
                f"direct_num_workers is {workers!r}, but direct_running_mode is in_memory, which has one worker; "
                "take multi_processing"
            )
        docker = self.options.get("environment_type") == "DOCKER"
        if docker and not {"environment_config", "sdk_container_image"} & self.options.keys():
            raise ValueError("environment_type DOCKER needs the workers' image as sdk_container_image")

    @property
    def args(self) -> list[str]:
        """Command line of every Beam step."""
        args = [f"--runner={_RUNNERS[self.runner]}"]
        for name, value in self.options.items():
            if value is True:
                args.append(f"--{name}")
            else:
                args += [f"--{name}={one}" for one in (value if isinstance(value, list) else [value])]
        if not any(name in self.options for name in _PACKAGING):
            # Without a word on dependencies TFX builds a source package of itself for workers elsewhere, in every step.
            args.append("--sdk_container_image=none")
        return args


def _check_option(name: str, value: Option, runner: Runner) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r} is no option of Beam; write the name without dashes, as in direct_num_workers")
    if name == "runner":
        raise ValueError("the option runner is the key beam.runner")
    if value is False:
        raise ValueError(f"{name} is false; leave a flag that is off out")
    of = next((of for prefix, of in _OF_ONE.items() if name.startswith(prefix)), runner)
    if of != runner:
        raise ValueError(f"{name} is an option of the runner {of}, but the runner is {runner}")
