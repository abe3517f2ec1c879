"""A deadline over all tries of a request, and how long to wait between two."""

import random
import time

from grpc import StatusCode

from serving.client.errors import ServingError, too_late

RETRIED = frozenset({StatusCode.UNAVAILABLE, StatusCode.RESOURCE_EXHAUSTED})
"""What may be otherwise in a moment. Every call of a model server can be repeated: none changes anything."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


class Tries:
    """The tries of one request.

    Args:
        timeout: seconds from now in which the request must end, all tries and pauses together.
        retries: how often at most it is tried again.
    """

    def __init__(self, timeout: float, retries: int):
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout
        self._left = retries
        self._pause = _FIRST_PAUSE

    def remaining(self) -> float:
        """Seconds until the deadline. Raises ServingError (DEADLINE_EXCEEDED) when it has passed."""
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise too_late(self._timeout)
        return seconds

    def pause_after(self, error: ServingError) -> float:
        """Seconds to wait before the next try: twice as long each time, less up to a half by chance.

        Raises `error` if there is to be no other try: it is not of a kind that passes, there were enough, or there is
        no time left.
        """
        pause = self._pause * random.uniform(0.5, 1.0)  # noqa: S311  no secret
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        if error.code not in RETRIED or not self._left or pause >= self._deadline - time.monotonic():
            raise error
        self._left -= 1
        return pause
