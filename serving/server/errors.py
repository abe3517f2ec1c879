"""How a failed request is told: a canonical status code, a sentence, and the HTTP status TF Serving answers with."""

import grpc

Code = grpc.StatusCode

HTTP_STATUS = {
    Code.OK: 200,
    Code.INVALID_ARGUMENT: 400,
    Code.FAILED_PRECONDITION: 400,
    Code.OUT_OF_RANGE: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.ABORTED: 409,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INTERNAL: 500,
    Code.DATA_LOSS: 500,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}

_BY_NUMBER = {code.value[0]: code for code in Code}


class StatusError(Exception):
    """A request that ends with `code` and `message` instead of a result."""

    def __init__(self, code: grpc.StatusCode, message: str):
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


def invalid(message: str) -> StatusError:
    """The most frequent error: the request itself is wrong."""
    return StatusError(Code.INVALID_ARGUMENT, message)


def from_tensorflow(code: int, message: str) -> StatusError:
    """The StatusError of a `tf.errors.OpError`'s number and message."""
    return StatusError(_BY_NUMBER.get(code, Code.UNKNOWN), message)
