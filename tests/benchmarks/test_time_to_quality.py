"""When a curve first has so much, and what the table says of several races."""

import pytest

from benchmarks.time_to_quality import Race, reached, row_of

CURVE = [(1.0, 0.1), (2.5, 0.4), (3.0, 0.3), (4.0, 0.5)]


@pytest.mark.parametrize(("merit", "when"), [(0.05, 1.0), (0.4, 2.5), (0.45, 4.0), (0.6, None)])
def test_the_first_time_counts(merit: float, when: float | None) -> None:
    assert reached(CURVE, merit) == when


def test_ratios_are_those_of_each_split_and_their_median() -> None:
    races = [Race(0.01, 0.1, 10.0, 1.0), Race(0.01, 0.2, 30.0, 10.0), Race(0.01, 0.3, 12.0, 2.0)]
    assert row_of(races) == ["0.010", "0.200", "12.00", "2.00", "6.0 (3.0 to 10.0)"]


def test_what_was_never_reached_is_told_and_not_counted() -> None:
    never = Race(0.01, 0.2, 30.0, None)
    assert row_of([Race(0.01, 0.1, 10.0, 1.0), never]) == [
        "0.010",
        "0.150",
        "20.00",
        "1.00 (1 never)",
        "10.0 (10.0 to 10.0)",
    ]
    assert row_of([never]) == ["0.010", "0.200", "30.00", "never", ""]
