"""When the requests that come together have come: the event loop then has a turn with next to nothing to do."""

import time

# Such a turn takes a microsecond or a few; one that takes in a request, or sends an answer, some tens.
_IDLE_SECONDS = 20e-6


class Gathering:
    """Begins when it is made; to be asked in each later turn of the event loop whether it goes on."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()

    def goes_on(self, most: float) -> bool:
        """Whether the turn was a busy one, and not yet `most` seconds have passed."""
        now = time.monotonic()
        turn, self._last = now - self._last, now
        return turn > _IDLE_SECONDS and now - self._began < most
