"""What a config says about Kubeflow Pipelines. It lies here because `pipeline/` never imports `kubeflow/`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Step = Literal[
    "ingest",
    "statistics",
    "schema",
    "anomalies",
    "transform",
    "train",
    "baseline",
    "evaluate",
    "serving_check",
    "push",
]

_UNITS = {"M": 1e-3, "Mi": 2**20 / 1e9, "G": 1.0, "Gi": 2**30 / 1e9}  # in units of 10⁹ bytes, as KFP counts
_MEMORY = re.compile(rf"(\d+(?:\.\d+)?)({'|'.join(_UNITS)})")


def _check_memory(memory: str) -> str:
    if not _MEMORY.fullmatch(memory):
        raise ValueError("allowed are a number and a unit, one of M, Mi, G, Gi, as in 4Gi")
    return memory


def _check_root(root: str) -> str:
    if not re.fullmatch(r"(minio|s3|gs)://[^/\s]+(/\S*)?", root):
        raise ValueError("allowed are minio://BUCKET/PATH, s3://BUCKET/PATH and gs://BUCKET/PATH")
    return root


def _check_absolute(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError("must begin with /: it is a path inside a container")
    return path


Inside = Annotated[str, AfterValidator(_check_absolute)]
"""A path inside a step's container."""


class Resources(BaseModel):
    """What a step asks of its node."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpu: float | None = Field(default=None, gt=0, le=1_000, description="Cores that the step requests.")
    memory: Annotated[str, AfterValidator(_check_memory)] | None = Field(
        default=None, description="Memory that it requests and may not exceed: `4G`, `4Gi`, `512Mi`."
    )
    accelerator: str | None = Field(
        default=None, min_length=1, description="Resource name of an accelerator, as in `nvidia.com/gpu`."
    )
    accelerators: int = Field(default=1, ge=1, le=64, description="How many, where `accelerator` is given.")

    @property
    def gigabytes(self) -> float | None:
        """Memory in units of 10⁹ bytes."""
        if self.memory is None:
            return None
        number, unit = _MEMORY.fullmatch(self.memory).groups()  # type: ignore[union-attr]  # it was checked
        return float(number) * _UNITS[unit]


class Retries(BaseModel):
    """How often a failed step is tried again, and after what time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: int = Field(default=0, ge=0, le=20, description="How often a failed step is tried again.")
    seconds: int = Field(default=30, ge=0, le=86_400, description="Wait before the first retry.")
    factor: float = Field(default=2, ge=1, le=10, description="Each wait is so many times as long as the one before.")
    longest: int = Field(default=600, ge=0, le=86_400, description="The longest wait, in seconds.")


class KubeflowSettings(BaseModel):
    """How the pipeline runs on Kubeflow Pipelines."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: str = Field(
        default="localhost/anchorline:latest",
        pattern=r"^\S+$",
        description="Image of every step; `make image` builds it.",
    )
    pipeline_root: Annotated[str, AfterValidator(_check_root)] | None = Field(
        default=None,
        description="Where artifacts lie: `minio://`, `s3://` or `gs://`; by default where the server says.",
    )
    data_path: str | None = Field(
        default=None, min_length=1, description="`data.path` inside the containers; by default the same."
    )
    serving_folder: Inside = Field(
        default="/anchorline/serving",
        description="Folder inside the containers under which versions are pushed, as `NAME/VERSION`.",
    )
    volumes: dict[str, Inside] = Field(
        default={"anchorline": "/anchorline"}, description="Persistent volume claims, and where every step finds them."
    )
    caching: bool = Field(
        default=False,
        description="Whether steps whose inputs and settings are as before are left out. The server does not look into "
        "data files: give the run parameter `data_version` another value when they change.",
    )
    retries: Retries = Field(default=Retries(), description="What happens to a step that failed.")
    resources: dict[Step, Resources] = Field(default={}, title="step", description="What each step asks of its node.")
