"""How a request that has no result ends, the same for both APIs."""

import json
from http import HTTPStatus

from grpc import StatusCode

# TF Serving's table read backwards; where it has several codes, the likeliest. 413 and 502 come from what stands around
# a model server: ours, which says that a body is too large, and proxies without a server behind them.
_CODES = {
    400: StatusCode.INVALID_ARGUMENT,
    401: StatusCode.UNAUTHENTICATED,
    403: StatusCode.PERMISSION_DENIED,
    404: StatusCode.NOT_FOUND,
    409: StatusCode.ABORTED,
    413: StatusCode.INVALID_ARGUMENT,
    429: StatusCode.RESOURCE_EXHAUSTED,
    499: StatusCode.CANCELLED,
    500: StatusCode.INTERNAL,
    501: StatusCode.UNIMPLEMENTED,
    502: StatusCode.UNAVAILABLE,
    503: StatusCode.UNAVAILABLE,
    504: StatusCode.DEADLINE_EXCEEDED,
}
_MOST_TEXT = 500


class ServingError(Exception):
    """The server refused or failed a request, or could not be reached in time.

    Attributes:
        code: the gRPC status code, for example `grpc.StatusCode.NOT_FOUND`; over REST the one its HTTP status stands
            for.
        message: the server's own sentence.
    """

    def __init__(self, code: StatusCode, message: str):
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message


def from_http(status: int, body: bytes) -> ServingError:
    """The error that an HTTP answer other than 200 tells."""
    try:
        message = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        message = f"{_phrase(status)}: {body.decode(errors='replace')[:_MOST_TEXT]}".rstrip(": \n")
    return ServingError(_CODES.get(status, StatusCode.UNKNOWN), str(message))


def unreachable(address: str, error: Exception) -> ServingError:
    """No connection, or one that broke."""
    return ServingError(StatusCode.UNAVAILABLE, f"{address}: {error or type(error).__name__}")


def too_late(seconds: float) -> ServingError:
    """No answer in time."""
    return ServingError(StatusCode.DEADLINE_EXCEEDED, f"no answer within {seconds:.3g} s")


def _phrase(status: int) -> str:
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"
