"""How requests share runs: the greedy default, or what a `--batching_parameters_file` says as TF Serving reads it."""

import itertools
from dataclasses import dataclass
from typing import Any

from serving.protos.config import BatchingParameters
from serving.server import text_file
from serving.server.text_file import ConfigFileError

FLAG = "batching_parameters_file"

# Beyond this many rows a run takes longer but no less a row, and the first in line would only wait for the last.
MAX_RUN_ROWS = 32

# What TF Serving takes for a parameter that the file leaves out (shared_batch_scheduler.h).
_DEFAULT_BATCH_SIZE, _DEFAULT_ENQUEUED = 1000, 10


@dataclass(frozen=True, kw_only=True)
class Batching:
    """Which requests run together, when, and how many may wait. The default is the greedy batcher without a timer.

    Attributes:
        max_run_rows: the most rows that requests may have to share a run; 1 runs every request alone.
        wait_seconds: how long a request waits for others before a run that is not full; 0 waits for nothing
            but a busy event loop.
        max_waiting_rows: the most rows that may wait for a run; a request beyond them is refused.
        max_request_rows: the most rows a request may have; 0 is without limit.
        run_sizes: the only numbers of rows that a shared run may have, ascending; rows are added to reach one. None are
            added if empty.
        split: whether a request of more than `max_run_rows` is run in parts.
        pad: whether inputs that differ in a free dimension share a run, the shorter filled up.
    """

    max_run_rows: int = MAX_RUN_ROWS
    wait_seconds: float = 0.0
    max_waiting_rows: int = 65_536
    max_request_rows: int = 0
    run_sizes: tuple[int, ...] = ()
    split: bool = False
    pad: bool = False

    def padded_rows(self, rows: int) -> int:
        """The number of rows a shared run of `rows` has in the end."""
        return next((size for size in self.run_sizes if size >= rows), rows)


def read_file(path: str) -> Batching:
    """The batching that the file asks for. Raises ConfigFileError.

    `num_batch_threads` and `thread_pool_name` are accepted and change nothing: each version of a model has one thread
    that runs it, and TensorFlow works in that thread.
    """
    message = text_file.read(FLAG, path, BatchingParameters())
    try:
        return _batching(message)
    except ValueError as error:
        raise ConfigFileError(f"--{FLAG}: {path}: {error}") from error


def _batching(message: Any) -> Batching:
    max_batch_size = _number(message, "max_batch_size", _DEFAULT_BATCH_SIZE)
    enqueued = _number(message, "max_enqueued_batches", _DEFAULT_ENQUEUED)
    _number(message, "num_batch_threads", 1)
    split = message.enable_large_batch_splitting.value
    execution = _number(message, "max_execution_batch_size", max_batch_size)
    max_run_rows = execution if split else max_batch_size
    if max_run_rows > max_batch_size:
        raise ValueError(
            f"max_execution_batch_size must not be more than max_batch_size; was {max_run_rows} and {max_batch_size}"
        )
    return Batching(
        max_run_rows=max_run_rows,
        wait_seconds=_number(message, "batch_timeout_micros", 0, least=0) / 1e6,
        max_waiting_rows=enqueued * max_run_rows,
        max_request_rows=max_batch_size,
        run_sizes=_run_sizes(list(message.allowed_batch_sizes), max_run_rows),
        split=split,
        pad=message.pad_variable_length_inputs,
    )


def _number(message: Any, name: str, default: int, *, least: int = 1) -> int:
    value = getattr(message, name).value if message.HasField(name) else default
    if value < least:
        raise ValueError(f"{name} must be at least {least}; was {value}")
    return value


def _run_sizes(sizes: list[int], max_run_rows: int) -> tuple[int, ...]:
    if any(size < 1 for size in sizes) or any(first >= second for first, second in itertools.pairwise(sizes)):
        raise ValueError(f"allowed_batch_sizes must be positive and ascending; were {sizes}")
    if sizes and sizes[-1] != max_run_rows:
        raise ValueError(
            f"Last entry in allowed_batch_sizes must match max_batch_size; last entry was {sizes[-1]}; "
            f"expected {max_run_rows}"
        )
    return tuple(sizes)
