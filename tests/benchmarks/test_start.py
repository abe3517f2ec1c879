"""What is allowed of the start."""

from benchmarks.start import Starts


def test_the_medians_are_compared() -> None:
    imports = [2.0, 9.0, 2.0]
    assert not Starts(imports, [3.6, 3.5, 9.0]).is_slow
    assert Starts(imports, [3.7, 3.0, 3.7]).is_slow
