"""The access log: one JSON object a line for each request, written by a thread so that no request waits for a disk."""

import json
import logging
import queue
import sys
import threading
import time
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from typing import Any

from serving.server.request_record import RequestRecord

STDOUT = "-"

# Lines that may wait for the writer; what comes on top of them is counted and left out.
_MAX_WAITING = 10_000


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
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue(_MAX_WAITING)
        self._left_out = 0
        self._thread = threading.Thread(target=self._write, name="access log", daemon=True)
        self._thread.start()

    def write(self, record: RequestRecord, seconds: float) -> None:
        """Queue the line of a request that took `seconds`."""
        line: dict[str, Any] = {
            "time": time.time(),
            "id": record.id,
            "client": record.client,
            "entrypoint": record.entrypoint,
            "api": record.api,
            "target": record.target,
            "model": record.model or None,
            "version": record.version or None,
            "signature": record.signature or None,
            "rows": record.rows,
            "code": record.code.name,
            "http_status": record.http_status or None,
            "milliseconds": round(seconds * 1e3, 3),
        }
        if self._left_out:
            line["left_out"] = self._left_out
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._left_out += 1
        else:
            self._left_out = 0

    def close(self) -> None:
        """Write what is queued. Blocks until then."""
        self._lines.put(None)
        self._thread.join()
        self._handler.close()

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            line["time"] = datetime.fromtimestamp(line["time"], UTC).isoformat(timespec="milliseconds")
            text = json.dumps({name: value for name, value in line.items() if value is not None})
            self._handler.handle(logging.makeLogRecord({"msg": "%s", "args": (text,)}))
