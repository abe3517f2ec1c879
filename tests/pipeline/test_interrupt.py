import contextlib
import signal

import pytest

from pipeline.interrupt import InterruptError, remembered_interrupts


def test_an_interrupt_that_was_swallowed_is_remembered() -> None:
    with remembered_interrupts() as interrupts:
        interrupts.check()
        with contextlib.suppress(KeyboardInterrupt):  # as a library's callback may do
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(InterruptError, match="the next run goes on"):
            interrupts.check()


def test_it_is_still_raised_where_it_comes() -> None:
    with remembered_interrupts(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_the_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with remembered_interrupts():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
