"""The soak, for some seconds; and that it would notice."""

import os

import grpc
import pytest

from benchmarks import soak
from benchmarks.asking import Answer, Spec
from benchmarks.swaps import Address

OK = grpc.StatusCode.OK


@pytest.mark.end_to_end
def test_no_request_fails_or_gets_another_version() -> None:
    result = soak.soak(requests=5000, connections=2, swap_seconds=0.2)
    assert result.all_faults() == []
    assert result.swaps >= 5
    assert 0 < result.reloads < result.swaps
    assert result.requests == {"REST": 2500, "gRPC": 2500}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(OK, 8.0, 3), ""),
        (Answer(OK, 9.0), ""),
        (Answer(OK, 7.0, 2), "answered by version 2, allowed were 3 to 4"),
        (Answer(OK, 10.0, 5), "answered by version 5, allowed were 3 to 4"),
        (Answer(OK, 8.0, 4), "answered by version 3, which said it were 4"),
        (Answer(OK, 8.5), "answered by version 3.5, which is none"),
        (Answer(grpc.StatusCode.NOT_FOUND, error="404: none"), "404: none"),
    ],
)
def test_what_is_a_fault(answer: Answer, fault: str) -> None:
    address = Address(Spec("m"), 1, 4)
    assert soak.judge(answer, address, 3, 10.0) == fault


def test_an_answer_raises_what_the_next_may_be() -> None:
    address = Address(Spec("m"), 1, 4)
    assert soak.judge(Answer(OK, 8.0, 3), address, 1, 10.0) == ""
    assert (address.oldest, address.newest) == (3, 4)


def test_memory_that_grows_is_a_fault() -> None:
    def result(late: int) -> soak.Result:
        samples = [soak.Sample(swaps, dict.fromkeys(("Rss", "Pss", "Anonymous"), 100 << 20)) for swaps in range(4)]
        return soak.Result(samples=[*samples, soak.Sample(4, {"Rss": late << 20})], swaps=4)

    assert result(109).all_faults() == []
    assert result(111).all_faults() == ["memory grew from 100 MB to 111 MB"]


def test_too_few_swaps_are_a_fault() -> None:
    assert len(soak.Result(swaps=3).all_faults()) == 1


def test_the_memory_of_a_process() -> None:
    memory = soak.memory_of(os.getpid())
    assert memory["Rss"] >= memory["Pss"] >= memory["Anonymous"] > 10 << 20
