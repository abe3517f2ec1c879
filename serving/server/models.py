"""The models being served: finds new versions, loads them, lets requests find them, unloads the old ones.

Everything but loading and unloading happens on the event loop, so nothing here needs a lock: a request that has found a
version has queued its work there before the version can be taken away.
"""

import asyncio
import enum
import gc
import sys
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from serving.server import versions
from serving.server.batching import MAX_ROWS, Batcher
from serving.server.errors import Code, StatusError, invalid
from serving.server.model_config import ModelConfig
from serving.server.signature import Signature
from serving.server.versions import Folder


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
class _ServedModel[M: Model]:
    config: ModelConfig
    versions: dict[int, Version[M]] = field(default_factory=dict)
    complaint: str = ""

    def available(self) -> list[int]:
        return [number for number, version in self.versions.items() if version.state is State.AVAILABLE]


class StartError(Exception):
    """The models cannot be served; the message names them, the paths and the reasons."""


class Models[M: Model]:
    """All models of one server.

    Args:
        configs: what to serve.
        load: makes a model from a version's folder; runs in a thread of its own.
        poll_seconds: time between two looks at the base paths; 0 looks only once.
        retries: how often a version that fails to load is tried again.
        retry_seconds: time between these tries. A folder that has changed is tried again at once.
        allow_unavailable_labels: whether a label may name a version that is not AVAILABLE when the server starts.
        max_batch_rows: how many rows of several requests may share a run; 1 runs every request alone.
    """

    def __init__(
        self,
        configs: Iterable[ModelConfig],
        load: Callable[[Path], M],
        *,
        poll_seconds: float = 1.0,
        retries: int = 5,
        retry_seconds: float = 60.0,
        allow_unavailable_labels: bool = False,
        max_batch_rows: int = MAX_ROWS,
    ):
        self._models = {config.name: _ServedModel[M](config) for config in configs}
        self._load = load
        self._poll_seconds = poll_seconds
        self._retries = retries
        self._retry_seconds = retry_seconds
        self._allow_unavailable_labels = allow_unavailable_labels
        self._max_batch_rows = max_batch_rows
        self._loader = ThreadPoolExecutor(1, "loader")

    # --- what requests ask -----------------------------------------------------------------------------------------

    def find(self, name: str, version: int | None = None, label: str | None = None) -> Served[M]:
        """The version that answers a request for `name`: the newest unless `version` or `label` says which.

        Raises StatusError: INVALID_ARGUMENT for an unknown label, NOT_FOUND for what is not available.
        """
        if not name:
            raise invalid("ModelSpec has no name specified.")
        model = self._models.get(name)
        if label is not None:
            version = model.config.labels.get(label) if model else None
            if version is None:
                raise invalid(f"Unrecognized servable version label: {label}")
        wanted = version
        if model and wanted is None:
            wanted = max(model.available(), default=None)
        found = model.versions.get(wanted) if model and wanted is not None else None
        if found is None or found.served is None:
            request = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise StatusError(Code.NOT_FOUND, f"Servable not found for request: {request}")
        return found.served

    def status(self, name: str, version: int | None = None) -> list[tuple[int, Version[M]]]:
        """All versions of a model, newest first, or only one. Raises StatusError (NOT_FOUND)."""
        model = self._models.get(name)
        known = model.versions if model else {}
        if version is not None:
            if version not in known:
                raise StatusError(Code.NOT_FOUND, f"Could not find version {version} of model {name}")
            return [(version, known[version])]
        if not known:
            raise StatusError(Code.NOT_FOUND, f"Could not find any versions of model {name}")
        return sorted(known.items(), reverse=True)

    def summary(self) -> str:
        """The available versions, as in `faq/3, digits/1`."""
        return ", ".join(
            f"{name}/{number}" for name, model in self._models.items() for number in sorted(model.available())
        )

    @property
    def configs(self) -> dict[str, ModelConfig]:
        """What is configured, by the models' names."""
        return {name: model.config for name, model in self._models.items()}

    # --- starting, watching, stopping ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Load the first versions and return when every model has one. A base path without versions is waited for.

        Raises StartError: a model failed to load for good, cannot appear any more, or has a label without a version.
        """
        while True:
            await self.look()
            self._fail_if_broken()
            waiting = [model for model in self._models.values() if not model.available()]
            if not waiting:
                break
            loading = any(version.state is State.LOADING for model in waiting for version in model.versions.values())
            if not self._poll_seconds and not loading:
                names = ", ".join(model.config.name for model in waiting)
                raise StartError(f"no version of {names} to serve, and without polling none can come")
            await asyncio.sleep(self._poll_seconds or self._retry_seconds)
        self._check_labels()

    async def watch(self) -> None:
        """Keep looking for versions until cancelled; returns at once if polling is off."""
        while self._poll_seconds:
            await asyncio.sleep(self._poll_seconds)
            try:
                await self.look()
            except Exception:  # noqa: BLE001  (what is being served goes on being served)
                log(f"looking for new versions failed:\n{traceback.format_exc().rstrip()}")

    async def close(self) -> None:
        """Finish queued requests and unload everything."""
        for model in self._models.values():
            for number in model.available():
                await self._unload(model, number)
        self._loader.shutdown()

    async def look(self) -> None:
        """Look once for versions to load and to unload, and do so."""
        for model in self._models.values():
            await self._refresh(model)

    async def _refresh(self, model: _ServedModel[M]) -> None:
        """Load what the policy wants of the folders that are there; then unload what it does not want any more."""
        folders = await self._folders(model)
        wanted = model.config.policy.pick(folders)
        for number, version in model.versions.items():
            if version.state is State.LOADING and number not in wanted:
                version.state = State.END  # its folder went away between two tries
        for number in wanted:
            if self._should_load(model.versions.setdefault(number, Version()), folders[number]):
                await self._load_version(model, number, folders[number])
        if any(model.versions[number].state is State.AVAILABLE for number in wanted):
            for number in set(model.available()) - set(wanted):
                await self._unload(model, number)

    async def _folders(self, model: _ServedModel[M]) -> dict[int, Folder]:
        name, path = model.config.name, model.config.base_path
        complaint = ""
        try:
            folders = await asyncio.to_thread(versions.find, path)
        except OSError as error:
            folders = {}
            complaint = f"Could not find base path {path} for servable {name}: {error.strerror}"
        else:
            if not model.config.policy.pick(folders):
                complaint = (
                    f"No versions of servable {name} found under base path {path}."
                    " Did you forget to name your leaf directory as a number (eg. '/1/')?"
                )
        if complaint and complaint != model.complaint:
            log(complaint)
        model.complaint = complaint
        return folders

    def _should_load(self, version: Version[M], folder: Folder) -> bool:
        if version.failed_stamp is not None and folder.stamp != version.failed_stamp:
            version.failures = 0
            return True
        if version.state is State.LOADING:
            return asyncio.get_running_loop().time() >= version.retry_at
        return version.state is State.START or (version.state is State.END and version.error is None)

    async def _load_version(self, model: _ServedModel[M], number: int, folder: Folder) -> None:
        version = model.versions[number]
        version.state, version.error = State.LOADING, None
        loop = asyncio.get_running_loop()
        try:
            loaded = await loop.run_in_executor(self._loader, self._load, folder.path)
        except Exception as error:  # noqa: BLE001  (whatever is wrong with one version must not stop the others)
            version.failures += 1
            version.failed_stamp = folder.stamp
            version.retry_at = loop.time() + self._retry_seconds
            log(f"could not load {model.config.name} version {number} from {folder.path}: {error}")
            if version.failures > self._retries:
                version.state, version.error = State.END, _as_status(error)
            return
        batcher = Batcher(loaded.run, f"{model.config.name}/{number}", max_rows=self._max_batch_rows)
        version.served = Served(model.config.name, number, loaded, batcher)
        version.state, version.failures, version.failed_stamp = State.AVAILABLE, 0, None

    async def _unload(self, model: _ServedModel[M], number: int) -> None:
        version = model.versions[number]
        served, version.served, version.state = version.served, None, State.UNLOADING
        if served is not None:
            await asyncio.get_running_loop().run_in_executor(self._loader, _finish, served)
        version.state = State.END

    def _fail_if_broken(self) -> None:
        broken = []
        for name, model in self._models.items():
            pending = any(version.state in {State.AVAILABLE, State.LOADING} for version in model.versions.values())
            if pending:
                continue
            broken += [
                f"{{name: {name} version: {number}}} from {model.config.base_path} due to error: {version.error}"
                for number, version in model.versions.items()
                if version.error
            ]
        if broken:
            raise StartError(f"{len(broken)} model(s) did not become available: {{{', '.join(broken)}}}")

    def _check_labels(self) -> None:
        if self._allow_unavailable_labels:
            return
        for name, model in self._models.items():
            for number in model.config.labels.values():
                if number not in model.available():
                    raise StartError(
                        f"Request to assign label to version {number} of model {name}, "
                        "which is not currently available for inference"
                    )


def log(line: str) -> None:
    """One line for whoever runs the server."""
    print(line, file=sys.stderr, flush=True)


def _finish(served: Served[Model]) -> None:
    served.batcher.close()
    served.model.close()
    gc.collect()  # a graph is full of reference cycles


def _as_status(error: Exception) -> StatusError:
    return error if isinstance(error, StatusError) else StatusError(Code.UNKNOWN, str(error))
