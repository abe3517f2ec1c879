"""A model's versions and the states they go through."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from serving.server.batching import Batcher
from serving.server.errors import StatusError
from serving.server.model_config import ModelConfig
from serving.server.signature import Signature


class State(enum.IntEnum):
    """ModelVersionStatus.State."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


class Model(Protocol):
    """What a loaded version must offer; see `session_model.SessionModel`."""

    signatures: dict[str, Signature]

    def run(self, signature: str, outputs: tuple[str, ...], inputs: list[np.ndarray]) -> list[np.ndarray]:
        """Run one signature."""

    def close(self) -> None:
        """Give its memory back."""


@dataclass(frozen=True, slots=True)
class Served[M: Model]:
    """A version that answers requests."""

    name: str
    version: int
    model: M
    batcher: Batcher


@dataclass(slots=True)
class Version[M: Model]:
    """One version since it was first seen; it stays on the list after it has ended."""

    state: State = State.START
    error: StatusError | None = None
    served: Served[M] | None = None
    failures: int = 0
    retry_at: float = 0.0
    failed_stamp: int | None = None


@dataclass(slots=True)
class ServedModel[M: Model]:
    """One model: what is configured, its versions by number, and what is wrong with its base path ("" if nothing)."""

    config: ModelConfig
    versions: dict[int, Version[M]] = field(default_factory=dict)
    complaint: str = ""

    def under(self, config: ModelConfig) -> "ServedModel[M]":
        """The same model under another configuration: what is loaded is shared, what becomes of the rest is not."""
        versions = {number: known if known.served else replace(known) for number, known in self.versions.items()}
        return ServedModel(config, versions, self.complaint)

    def available(self) -> list[int]:
        """The versions that answer."""
        return self._in_state(State.AVAILABLE)

    def loading(self) -> list[int]:
        """The versions being loaded, or waiting for another try."""
        return self._in_state(State.LOADING)

    def _in_state(self, state: State) -> list[int]:
        return [number for number, version in self.versions.items() if version.state is state]

    def kept(self, wanted: Iterable[int]) -> set[int]:
        """The versions to go on with: those that are wanted, but all as long as none of these can answer."""
        available = set(self.available())
        return available & set(wanted) or available

    def failures(self) -> list[str]:
        """One text for each version that failed to load for good, or for there being none."""
        place = f"from {self.config.base_path} due to error:"
        failed = [
            f"{{name: {self.config.name} version: {number}}} {place} {version.error}"
            for number, version in self.versions.items()
            if version.error
        ]
        return failed or [f"{{name: {self.config.name}}} {place} NOT_FOUND: {self.complaint}"]
