"""The server put together: load the models, answer on all addresses, stop without dropping a request."""

import asyncio
import contextlib
import gc
import json
import signal
import sys
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvloop

from serving.server import batching_parameters, config_file, memory, monitoring, tls
from serving.server.access_log import AccessLog, AccessLogError
from serving.server.batching_parameters import MAX_RUN_ROWS, Batching
from serving.server.flags import Flags
from serving.server.listeners import AddressError, Listeners
from serving.server.log import log
from serving.server.model_config import ModelConfig
from serving.server.models import Models, StartError, UnavailableLabels
from serving.server.observer import Observer
from serving.server.parent import die_with_parent
from serving.server.session_model import SessionModel
from serving.server.silent_tensorflow import tf
from serving.server.text_file import ConfigFileError
from serving.server.warmup import warm_up
from serving.whole_file import write_whole

# How long a thread waits before it asks another for Python's lock. A worker needs it for microseconds at both ends of a
# run while the event loop is busy; with Python's 5 ms a third fewer requests are answered.
_SWITCH_SECONDS = 1e-4


def run(flags: Flags) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit status: 1, after one line on stderr, if it cannot start."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    memory.limit_arenas()
    try:
        uvloop.run(_serve(flags, config_file.from_flags(flags)))
    except (config_file.ConfigError, ConfigFileError, StartError, AddressError, AccessLogError) as error:
        log(f"anchorline-model-server: {error}")
        return 1
    return 0


async def _serve(flags: Flags, configs: list[ModelConfig]) -> None:
    stopped = _stop_event(flags)
    metrics_path = monitoring.read_file(flags.monitoring_config_file) if flags.monitoring_config_file else ""
    metrics = monitoring.Metrics() if metrics_path else None
    models = _models(flags, configs, metrics)
    credentials = tls.read_file(flags.ssl_config_file) if flags.ssl_config_file else None
    observer = Observer(
        metrics=metrics,
        access_log=AccessLog(flags.access_log) if flags.access_log else None,
        max_requests=flags.max_concurrent_requests,
    )
    listeners = Listeners(flags, models, observer, credentials=credentials, metrics_path=metrics_path)
    if flags.profiler_port:
        _start_profiler(flags.profiler_port)
    try:
        gc.collect()
        gc.freeze()  # TensorFlow's objects stay for good; collecting after an unload need not walk them. Models do not
        if not await _unless_stopped(models.start(), stopped):
            return
        await listeners.start()
        if flags.ports_file:
            write_whole(Path(flags.ports_file), json.dumps(listeners.ports))
        log(f"serving {models.summary() or 'no model'} at {', '.join(listeners.addresses)}")
        if await _unless_stopped(_watch(flags, models), stopped):
            await stopped.wait()  # nothing is watched
    finally:
        await listeners.stop()
        await models.close()
        observer.close()


async def _watch(flags: Flags, models: Models[SessionModel]) -> None:
    await asyncio.gather(models.watch(), config_file.follow(flags, models))


def _stop_event(flags: Flags) -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT, or when the parent ends. A second signal kills."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        stopped.set()
        loop.remove_signal_handler(signal.SIGTERM)
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGINT, stop)
    if flags.die_with_parent:
        die_with_parent(stop)
    return stopped


def _models(flags: Flags, configs: list[ModelConfig], metrics: monitoring.Metrics | None) -> Models[SessionModel]:
    def load(folder: Path) -> SessionModel:
        model = SessionModel(
            folder,
            tags=flags.saved_model_tags.split(","),
            threads=flags.tensorflow_intra_op_parallelism or flags.tensorflow_session_parallelism or 1,
            methods_are_binding=flags.enable_signature_method_name_check,
        )
        if flags.enable_model_warmup:
            try:
                warm_up(model, folder, metrics=metrics, iterations=flags.num_request_iterations_for_warmup or 1)
            except BaseException:
                model.close()
                raise
        return model

    return Models(
        configs,
        load,
        poll_seconds=flags.file_system_poll_wait_seconds,
        retries=flags.max_num_load_retries,
        retry_seconds=flags.load_retry_interval_micros / 1e6,
        load_threads=max(1, flags.num_load_threads),
        unload_threads=max(1, flags.num_unload_threads),
        unavailable_labels=_unavailable_labels(flags),
        batching=_batching(flags),
    )


def _batching(flags: Flags) -> Batching:
    """How requests share runs. Raises ConfigFileError."""
    if flags.batching_parameters_file:
        chosen = batching_parameters.read_file(flags.batching_parameters_file)
        limits = [limit for limit in (chosen.max_request_rows, flags.max_request_rows) if limit]
        return replace(chosen, max_request_rows=min(limits, default=0))
    return Batching(
        max_run_rows=MAX_RUN_ROWS if flags.enable_batching else 1,
        max_waiting_rows=flags.max_waiting_rows,
        max_request_rows=flags.max_request_rows,
    )


def _start_profiler(port: int) -> None:
    """TensorFlow's profiler, for TensorBoard. Its server takes all addresses; TF Serving's is on the gRPC port."""
    tf.profiler.experimental.server.start(port)
    log(f"profiler on port {port} of all addresses")


def _unavailable_labels(flags: Flags) -> UnavailableLabels:
    if flags.force_allow_any_version_labels_for_unavailable_models:
        return UnavailableLabels.ANY
    return UnavailableLabels.NEW if flags.allow_version_labels_for_unavailable_models else UnavailableLabels.NONE


async def _unless_stopped(work: Coroutine[Any, Any, None], stopped: asyncio.Event) -> bool:
    """Wait for `work`; False, with the work cancelled, if `stopped` is set before it is done."""
    task = asyncio.create_task(work)
    waiter = asyncio.create_task(stopped.wait())
    await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()
    if task.done():
        task.result()
        return True
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return False
