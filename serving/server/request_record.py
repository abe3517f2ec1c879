"""What is known of the request being answered, filled in on its way: for the batcher, the metrics and the access log.

It travels in a context variable, because each request is answered in a task of its own.
"""

import math
import time
from contextvars import ContextVar
from dataclasses import dataclass, field

from serving.server.errors import Code


@dataclass(slots=True, eq=False)
class RequestRecord:
    """One request; times are those of `time.monotonic`.

    Attributes:
        entrypoint: REST or GRPC.
        api: what was called: the method of gRPC, the verb of REST.
        id: the `x-request-id` it came with, or one made here.
        target: the path or the full method.
        client: address of the one who asks.
        started: when it came.
        deadline: when its answer is of no more use.
        model: the model's name once it is known to be served, else "".
        version: the version that answers; 0 as long as there is none.
        signature: the signature that is run.
        rows: rows that were sent to the model.
        run_seconds: time from the queueing of the run to its end.
        code: how it ended.
        http_status: the status line of a REST answer.
    """

    entrypoint: str
    api: str
    id: str
    target: str = ""
    client: str = ""
    started: float = field(default_factory=time.monotonic)
    deadline: float = math.inf
    model: str = ""
    version: int = 0
    signature: str = ""
    rows: int = 0
    run_seconds: float = 0.0
    code: Code = Code.OK
    http_status: int = 0


current: ContextVar[RequestRecord | None] = ContextVar("request", default=None)


def note_model(name: str, version: int) -> None:
    """Remember which model and version answer the current request."""
    record = current.get()
    if record is not None:
        record.model, record.version = name, version


def note_code(code: Code) -> None:
    """Remember how the current request ended."""
    record = current.get()
    if record is not None:
        record.code = code
