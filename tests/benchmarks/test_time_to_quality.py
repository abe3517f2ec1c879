"""When a curve first has so much."""

import pytest

from benchmarks.time_to_quality import reached

CURVE = [(1.0, 0.1), (2.5, 0.4), (3.0, 0.3), (4.0, 0.5)]


@pytest.mark.parametrize(("merit", "when"), [(0.05, 1.0), (0.4, 2.5), (0.45, 4.0), (0.6, None)])
def test_the_first_time_counts(merit: float, when: float | None) -> None:
    assert reached(CURVE, merit) == when
