"""What happens around every request of both APIs: counted, timed, logged, and refused if it is one too many."""

import math
import random
import re
import time

from serving.server import request_record
from serving.server.access_log import AccessLog
from serving.server.errors import Code, StatusError
from serving.server.monitoring import Metrics
from serving.server.request_record import RequestRecord

REQUEST_ID = "x-request-id"

_USABLE_ID = re.compile(r"[!-~]{1,128}")


class Observer:
    """Sees each request begin and end.

    Args:
        metrics: where to count requests, if anywhere.
        access_log: where to write them, if anywhere.
        max_requests: how many may be answered at a time; 0 is without limit.
    """

    def __init__(self, *, metrics: Metrics | None = None, access_log: AccessLog | None = None, max_requests: int = 0):
        self.metrics = metrics
        self.in_flight = 0
        self.names_requests = access_log is not None
        self._access_log = access_log
        self._max_requests = max_requests or math.inf

    def begin(self, entrypoint: str, api: str, request_id: str, deadline: float = math.inf) -> RequestRecord:
        """The record of a request that begins, in the context of the current task; `end` must follow."""
        record = RequestRecord(entrypoint, api, usable_id(request_id), deadline=deadline)
        request_record.current.set(record)
        self.in_flight += 1
        return record

    def admit(self) -> None:
        """Raises StatusError (RESOURCE_EXHAUSTED) if the request that has begun is one too many."""
        if self.in_flight > self._max_requests:
            raise StatusError(
                Code.RESOURCE_EXHAUSTED, f"{self._max_requests} requests are being answered; no more may be"
            )

    def end(self, record: RequestRecord) -> None:
        """The request has been answered or given up."""
        self.in_flight -= 1
        self.note(record)

    def note(self, record: RequestRecord) -> None:
        """Count and log what has ended, be it that it never began."""
        seconds = time.monotonic() - record.started
        if self.metrics:
            self.metrics.count(record, seconds)
        if self._access_log:
            self._access_log.write(record, seconds)

    def close(self) -> None:
        """Write what is still to be written."""
        if self._access_log:
            self._access_log.close()


def usable_id(request_id: str) -> str:
    """The client's own id if it can stand in a header and a log, else a new one."""
    return request_id if request_id and _USABLE_ID.fullmatch(request_id) else f"{random.getrandbits(128):032x}"
