"""What the calls return."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from grpc import StatusCode


class Answer(NamedTuple):
    """One ranked candidate of `search`: its id, its text (its id again where it is a picture), its cosine."""

    id: str
    candidate: str
    score: float


class Label(NamedTuple):
    """One label of `classify`."""

    label: str
    probability: float


class Neighbor(NamedTuple):
    """One training row of `neighbors`: its id, its label, its cosine."""

    id: str
    label: str
    score: float


class State(enum.IntEnum):
    """ModelVersionStatus.State."""

    UNKNOWN = 0
    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of a model on the server; `error_message` says why one did not load."""

    version: int
    state: State
    error_code: StatusCode
    error_message: str


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output: TensorFlow's name of its type (`float`, `string`, …), and its shape.

    A size is None where it is free, the shape itself where not even the rank is known.
    """

    dtype: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True, slots=True)
class Signature:
    """One thing that a model can be asked: `method` is TF Serving's name of its kind."""

    method: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """The version that answers, and its signatures by name."""

    model: str
    version: int
    signatures: Mapping[str, Signature]
