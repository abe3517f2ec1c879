"""The models being served: finds new versions, loads them, lets requests find them, unloads the old ones.

Everything but loading and unloading happens on the event loop, so a request needs no lock: when it has found a version
it has queued its work there before the version can be taken away. Whoever changes what is served takes turns.
"""

import asyncio
import enum
import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from serving.server import memory, request_record, versions
from serving.server.batching import Batcher
from serving.server.batching_parameters import Batching
from serving.server.errors import Code, StatusError, invalid
from serving.server.log import log, log_error
from serving.server.model_config import ModelConfig
from serving.server.served import Model, Served, ServedModel, State, Version
from serving.server.versions import Folder


class UnavailableLabels(enum.Enum):
    """Which labels may name a version that is not AVAILABLE: none; those that name no other version yet; any."""

    NONE = enum.auto()
    NEW = enum.auto()
    ANY = enum.auto()

    def allow(self, *, moved: bool) -> bool:
        """Whether a label may; `moved` says that it names another version now."""
        return self is UnavailableLabels.ANY or (self is UnavailableLabels.NEW and not moved)


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
        load_threads: how many versions are loaded at a time.
        unload_threads: how many are unloaded at a time.
        unavailable_labels: which labels may name a version that is not AVAILABLE.
        batching: how requests share runs.
    """

    def __init__(
        self,
        configs: Iterable[ModelConfig],
        load: Callable[[Path], M],
        *,
        poll_seconds: float = 1.0,
        retries: int = 5,
        retry_seconds: float = 60.0,
        load_threads: int = 1,
        unload_threads: int = 1,
        unavailable_labels: UnavailableLabels = UnavailableLabels.NONE,
        batching: Batching | None = None,
    ):
        self._models = {config.name: ServedModel[M](config) for config in configs}
        self._load = load
        self._poll_seconds = poll_seconds
        self._retries = retries
        self._retry_seconds = retry_seconds
        self._unavailable_labels = unavailable_labels
        self._batching = batching
        self._loader = ThreadPoolExecutor(load_threads, "loader")
        self._unloader = ThreadPoolExecutor(unload_threads, "unloader")
        self._former: dict[str, ServedModel[M]] = {}  # no longer configured; their states are still told
        self._turn = asyncio.Lock()  # for whoever changes what is served
        self._reload_turn = asyncio.Lock()
        self._reloads: set[asyncio.Task[None]] = set()

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
        if model:
            request_record.note_model(name, 0)
        wanted = version
        if model and wanted is None:
            wanted = max(model.available(), default=None)
        found = model.versions.get(wanted) if model and wanted is not None else None
        if found is None or found.served is None:
            request = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise StatusError(Code.NOT_FOUND, f"Servable not found for request: {request}")
        request_record.note_model(name, found.served.version)
        return found.served

    def status(self, name: str, version: int | None = None) -> list[tuple[int, Version[M]]]:
        """All versions of a model, newest first, or only one. Raises StatusError (NOT_FOUND)."""
        model = self._models.get(name) or self._former.get(name)
        known = model.versions if model else {}
        if model:
            request_record.note_model(name, version if version in known else 0)
        if version is not None:
            if version not in known:
                raise StatusError(Code.NOT_FOUND, f"Could not find version {version} of model {name}")
            return [(version, known[version])]
        if not known:
            raise StatusError(Code.NOT_FOUND, f"Could not find any versions of model {name}")
        return sorted(known.items(), reverse=True)

    def states(self) -> dict[str, dict[int, State]]:
        """The state of every version by model."""
        return {
            name: {number: version.state for number, version in model.versions.items()}
            for name, model in self._models.items()
        }

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
            if not self._poll_seconds and not any(model.loading() for model in waiting):
                names = ", ".join(model.config.name for model in waiting)
                raise StartError(f"no version of {names} to serve, and without polling none can come")
            await asyncio.sleep(self._poll_seconds or self._retry_seconds)
        for complaint in self._bad_labels({name: (model, model.available()) for name, model in self._models.items()}):
            raise StartError(complaint)

    async def watch(self) -> None:
        """Keep looking for versions until cancelled; returns at once if polling is off."""
        while self._poll_seconds:
            await asyncio.sleep(self._poll_seconds)
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001  (what is being served goes on being served)
                log("looking for new versions failed:")
                log_error(error)

    async def close(self) -> None:
        """Finish queued requests and unload everything."""
        for task in self._reloads:
            task.cancel()
        await asyncio.gather(*self._reloads, return_exceptions=True)
        for model in self._models.values():
            await self._unload_all_but(model, set())
        self._loader.shutdown()
        self._unloader.shutdown()

    async def look(self) -> None:
        """Look once for versions to load and to unload, and do so."""
        async with self._turn:
            await asyncio.gather(*(self._refresh(model) for model in self._models.values()))

    async def _refresh(self, model: ServedModel[M]) -> None:
        """Load what the policy wants of the folders that are there; then unload what it does not want any more."""
        wanted = await self._load_wanted(model)
        await self._unload_all_but(model, model.kept(wanted))

    async def _load_wanted(self, model: ServedModel[M]) -> list[int]:
        """Load what the policy wants of the folders that are there. Returns what it wants, loaded or not."""
        folders = await self._folders(model)
        wanted = model.config.policy.pick(folders)
        for number, version in model.versions.items():
            if version.state is State.LOADING and number not in wanted:
                version.state = State.END  # its folder went away between two tries
        due = [
            number
            for number in wanted
            if self._should_load(model.versions.setdefault(number, Version()), folders[number])
        ]
        await asyncio.gather(*(self._load_version(model, number, folders[number]) for number in due))
        return wanted

    async def _unload_all_but(self, model: ServedModel[M], kept: set[int]) -> None:
        await asyncio.gather(*(self._unload(model.versions[number]) for number in set(model.available()) - kept))

    async def _folders(self, model: ServedModel[M]) -> dict[int, Folder]:
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

    async def _load_version(self, model: ServedModel[M], number: int, folder: Folder) -> None:
        version = model.versions[number]
        version.state, version.error = State.LOADING, None
        loop = asyncio.get_running_loop()
        loaded = await loop.run_in_executor(self._loader, self._loaded, f"{model.config.name} version {number}", folder)
        if isinstance(loaded, StatusError):
            version.failures += 1
            version.failed_stamp = folder.stamp
            version.retry_at = loop.time() + self._retry_seconds
            if version.failures > self._retries:
                version.state, version.error = State.END, loaded
            return
        batcher = Batcher(loaded.run, f"{model.config.name}/{number}", self._batching)
        version.served = Served(model.config.name, number, loaded, batcher)
        version.state, version.failures, version.failed_stamp = State.AVAILABLE, 0, None

    def _loaded(self, name: str, folder: Folder) -> M | StatusError:
        """The model in a folder, or why it cannot be loaded. For a thread of its own."""
        try:
            return self._load(folder.path)
        except Exception as error:  # noqa: BLE001  (whatever is wrong with one version must not stop the others)
            log(f"could not load {name} from {folder.path}: {error}")
            failure = _without_origin(error)
        _collect()
        return failure

    async def _unload(self, version: Version[M]) -> None:
        served, version.served, version.state = version.served, None, State.UNLOADING
        if served is not None:
            await served.batcher.close()
            await asyncio.get_running_loop().run_in_executor(self._unloader, _give_back, served.model)
        version.state = State.END

    def _fail_if_broken(self) -> None:
        broken = [
            model
            for model in self._models.values()
            if not model.available()
            and not model.loading()
            and any(version.error for version in model.versions.values())
        ]
        if broken:
            raise StartError(_not_available(broken))

    # --- another configuration -------------------------------------------------------------------------------------

    async def reload(self, configs: Sequence[ModelConfig]) -> None:
        """Serve these models and no others, without dropping a request.

        What is new is loaded first; then requests see the new models, policies and labels at one moment; then what is
        no longer wanted finishes its requests and is unloaded. It goes on when the caller is cancelled.

        Raises StatusError, with everything left as it was: UNKNOWN if a new model has no version that can be loaded,
        FAILED_PRECONDITION if a label names a version that is not AVAILABLE.
        """
        task = asyncio.create_task(self._reload(configs))
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_log_failure)
            raise

    async def _reload(self, configs: Sequence[ModelConfig]) -> None:
        async with self._reload_turn:
            new = {config.name: ServedModel[M](config) for config in configs if not self._goes_on(config)}
            try:
                await asyncio.gather(*(self._bring_up(model) for model in new.values()))
                unavailable = [model for model in new.values() if not model.available()]
                if unavailable:
                    raise StatusError(Code.UNKNOWN, _not_available(unavailable))
                async with self._turn:
                    going = await self._replace(configs, new)
            except BaseException:
                going = [(model, set()) for model in new.values()]
                raise
            finally:
                await asyncio.gather(*(self._unload_all_but(model, kept) for model, kept in going))

    def _goes_on(self, config: ModelConfig) -> bool:
        """Whether a model that is served keeps its versions: unless it is to be read elsewhere."""
        model = self._models.get(config.name)
        return model is not None and model.config.base_path == config.base_path

    async def _bring_up(self, model: ServedModel[M]) -> None:
        """Load a model that no request can find yet, with all retries."""
        await self._load_wanted(model)
        while model.loading() and not model.available():
            await asyncio.sleep(self._retry_seconds)
            await self._load_wanted(model)

    async def _replace(
        self, configs: Sequence[ModelConfig], new: Mapping[str, ServedModel[M]]
    ) -> list[tuple[ServedModel[M], set[int]]]:
        """The moment of change. Returns models to unload, with the versions to keep. Raises StatusError for labels."""
        successors = {
            config.name: self._models[config.name].under(config) for config in configs if self._goes_on(config)
        }
        coming = {config.name: successors.get(config.name) or new[config.name] for config in configs}
        try:
            wanted = await asyncio.gather(*(self._load_wanted(model) for model in coming.values()))
            kept = {
                name: (model, model.kept(numbers))
                for (name, model), numbers in zip(coming.items(), wanted, strict=True)
            }
            for complaint in self._bad_labels(kept):
                raise StatusError(Code.FAILED_PRECONDITION, complaint)
        except BaseException:
            await self._take_back(successors)
            raise
        going = {name: model for name, model in self._models.items() if name not in successors}
        self._models = coming
        self._former |= going
        return [*((model, set()) for model in going.values()), *kept.values()]

    async def _take_back(self, successors: Mapping[str, ServedModel[M]]) -> None:
        """Unload what was loaded for a configuration that is refused. That it has ended is told."""
        for name, successor in successors.items():
            model = self._models[name]
            await self._unload_all_but(successor, set(model.available()))
            model.versions = successor.versions

    def _bad_labels(self, models: Mapping[str, tuple[ServedModel[M], Iterable[int]]]) -> Iterator[str]:
        """A sentence for each label on a version that is not among those that will go on answering."""
        for name, (model, available) in models.items():
            before = self._models[name].config.labels if name in self._models else {}
            for label, number in model.config.labels.items():
                moved = before.get(label, number) != number
                if number in available or self._unavailable_labels.allow(moved=moved):
                    continue
                yield (
                    f"Request to assign label to version {number} of model {name},"
                    " which is not currently available for inference"
                )


def _not_available(models: Iterable[ServedModel[Any]]) -> str:
    failures = [failure for model in models for failure in model.failures()]
    return f"{len(failures)} model(s) did not become available: {{{', '.join(failures)}}}"


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception():
        log(f"ReloadConfig failed: {task.exception()}")


def _give_back(model: Model) -> None:
    model.close()
    _collect()


def _collect() -> None:
    gc.collect()  # a graph is full of reference cycles
    memory.give_back()


def _without_origin(error: Exception) -> StatusError:
    """An error to be kept: the frames that the first one has come from hold the graph that was being loaded."""
    if isinstance(error, StatusError):
        return StatusError(error.code, error.message)
    return StatusError(Code.UNKNOWN, str(error))
