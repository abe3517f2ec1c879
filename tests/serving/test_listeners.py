"""The gRPC server: its arguments on the command line, and its thread beside the event loop."""

import os
from pathlib import Path

import pytest

from serving.process import ModelServer
from serving.server.listeners import AddressError, channel_arguments


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", {}),
        ("a=1", {"a": 1}),
        ("grpc.a=-5,b=x=y,", {"grpc.a": -5, "b": "x=y"}),
        ("a=2147483647,b=2147483648", {"a": 2147483647, "b": "2147483648"}),
        ("a=", {"a": ""}),
    ],
)
def test_arguments(text: str, arguments: dict[str, int | str]) -> None:
    assert channel_arguments(text) == arguments


@pytest.mark.parametrize("text", ["a", "=1", "a=1,b"])
def test_arguments_without_a_name_or_a_value(text: str) -> None:
    with pytest.raises(AddressError, match="expected name=value,name=value"):
        channel_arguments(text)


def test_what_wakes_the_event_loop_does_not_interrupt_it(server: ModelServer) -> None:
    assert server.pid
    threads = [int(folder.name) for folder in Path(f"/proc/{server.pid}/task").iterdir()]
    batch = [thread for thread in threads if os.sched_getscheduler(thread) == os.SCHED_BATCH]
    assert len(batch) == 1
    assert batch != [server.pid], "which is the event loop"
