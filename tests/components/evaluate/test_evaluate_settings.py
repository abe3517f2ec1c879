import pytest

from components.evaluate.settings import Gate, Metric, check_bounds


@pytest.mark.parametrize(
    ("metric", "gate"),
    [
        ("mrr", Gate(min=0.5, max_drop=0.1)),
        ("accuracy", Gate(min=0.0)),
        ("ece", Gate(max=0.1, max_rise=0.0)),
        ("distance_ratio", Gate(max=3.5)),
    ],
)
def test_bounds_on_the_side_where_a_metric_gets_worse(metric: Metric, gate: Gate) -> None:
    check_bounds({metric: gate})


@pytest.mark.parametrize(
    ("metric", "gate", "sentence"),
    [
        ("ece", Gate(min=0.1), "ece.min: got 0.1; ece is better when smaller: it takes max and max_rise"),
        ("ece", Gate(max=0.2, max_drop=0), "ece.max_drop: got 0; ece is better when smaller: it takes max and max_r"),
        ("mrr", Gate(max=0.9), "mrr.max: got 0.9; mrr is better when larger: it takes min and max_drop"),
        ("ece", Gate(), "ece: has no bound and would stop nothing; it takes max and max_rise"),
        ("accuracy", Gate(max_rise=0), "accuracy.max_rise: got 0; accuracy is better when larger: it takes min and"),
    ],
)
def test_bounds_on_the_other_side_are_refused_even_at_0_and_so_are_none(
    metric: Metric, gate: Gate, sentence: str
) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}"):
        check_bounds({"neighbor_accuracy": Gate(min=0.5), metric: gate})
