"""The access log: one JSON object a line for each request, written by a thread so that no request waits for a disk."""

import logging
import sys
import threading
import time
from collections import deque
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from typing import Any

import orjson

from serving.server.request_record import RequestRecord

STDOUT = "-"

# The writer wakes this often: waking it for each line would take the interpreter away from the requests.
_WRITE_SECONDS = 0.2

# Lines that may wait for the writer; what comes on top of them is counted and left out.
_MAX_WAITING = 20_000


class AccessLogError(Exception):
    """The log cannot be written; the message says why."""


class AccessLog:
    """Appends to a file, or to the standard output if the path is `-`. A file that was moved away is made anew."""

    def __init__(self, path: str):
        """Raises AccessLogError."""
        try:
            self._handler = logging.StreamHandler(sys.stdout) if path == STDOUT else WatchedFileHandler(path)
        except OSError as error:
            raise AccessLogError(f"--access_log={path}: {error.strerror}") from error
        self._waiting: deque[tuple[float, RequestRecord, float]] = deque()
        self._left_out = 0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="access log", daemon=True)
        self._thread.start()

    def write(self, record: RequestRecord, seconds: float) -> None:
        """Queue the line of a request that took `seconds`."""
        if len(self._waiting) < _MAX_WAITING:
            self._waiting.append((time.time(), record, seconds))
        else:
            self._left_out += 1

    def close(self) -> None:
        """Write what is queued. Blocks until then."""
        self._closed.set()
        self._thread.join()
        self._handler.close()

    def _work(self) -> None:
        while not self._closed.wait(_WRITE_SECONDS):
            self._write_waiting()
        self._write_waiting()

    def _write_waiting(self) -> None:
        lines = [_line(*self._waiting.popleft()) for _ in range(len(self._waiting))]
        left_out, self._left_out = self._left_out, 0
        if left_out:
            lines.append(orjson.dumps({"time": _iso(time.time()), "left_out": left_out}).decode())
        if lines:
            self._handler.handle(logging.makeLogRecord({"msg": "%s", "args": ("\n".join(lines),)}))


def _line(ended: float, record: RequestRecord, seconds: float) -> str:
    values: dict[str, Any] = {
        "time": _iso(ended),
        "id": record.id,
        "client": record.client,
        "entrypoint": record.entrypoint,
        "api": record.api,
        "target": record.target,
        "model": record.model,
        "version": record.version,
        "signature": record.signature,
        "rows": record.rows,
        "code": record.code.name,
        "http_status": record.http_status,
        "milliseconds": round(seconds * 1e3, 3),
    }
    return orjson.dumps({name: value for name, value in values.items() if value not in {"", 0}}).decode()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
