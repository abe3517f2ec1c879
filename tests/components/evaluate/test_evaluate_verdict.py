import math
from pathlib import Path

import pytest

from components.evaluate.verdict import FILE, Check, Reference, Slice, Verdict


def check(kind: str, bound: float, value: float, against: float | None = None) -> Check:
    return Check.model_validate({"metric": "mrr", "kind": kind, "bound": bound, "value": value, "against": against})


@pytest.mark.parametrize(
    ("made", "passed", "sentence"),
    [
        (check("min", 0.5, 0.5), True, "mrr 0.500, at least 0.500 wanted"),
        (check("min", 0.5, 0.612), True, "mrr 0.612, at least 0.500 wanted"),
        (check("min", 0.5, 0.382), False, "mrr 0.382, at least 0.500 wanted, short by 0.118"),
        (check("min", 0.5, float("nan")), False, "mrr nan, at least 0.500 wanted, short by nan"),
        (check("max_drop", 0.02, 0.4), True, "mrr 0.400, no version in production to compare with"),
        (
            check("max_drop", 0.02, 0.4, 0.35),
            True,
            "mrr 0.400 is +0.050 against 0.350 in production, may fall by 0.020",
        ),
        (
            check("max_drop", 0.02, 0.4, 0.45),
            False,
            "mrr 0.400 is -0.050 against 0.450 in production, may fall by 0.020",
        ),
        (check("max_drop", 0.0, 0.4, 0.4), True, "mrr 0.400 is +0.000 against 0.400 in production, may not fall"),
        (check("max_drop", 0.0, 0.39, 0.4), False, "mrr 0.390 is -0.010 against 0.400 in production, may not fall"),
        (
            check("max_drop", 0.02, float("nan"), 0.4),
            False,
            "mrr nan is +nan against 0.400 in production, may fall by 0.020",
        ),
        (check("max", 0.05, 0.05), True, "mrr 0.050, at most 0.050 wanted"),
        (check("max", 0.05, 0.062), False, "mrr 0.062, at most 0.050 wanted, over by 0.012"),
        (check("max", 0.05, float("nan")), False, "mrr nan, at most 0.050 wanted, over by nan"),
        (check("max_rise", 0.02, 0.4), True, "mrr 0.400, no version in production to compare with"),
        (check("max_rise", 0.0, 0.4, 0.4), True, "mrr 0.400 is +0.000 against 0.400 in production, may not rise"),
        (check("max_rise", 0.0, 0.3, 0.4), True, "mrr 0.300 is -0.100 against 0.400 in production, may not rise"),
        (
            check("max_rise", 0.02, 0.43, 0.4),
            False,
            "mrr 0.430 is +0.030 against 0.400 in production, may rise by 0.020",
        ),
        (
            check("max_rise", 0.02, float("nan"), 0.4),
            False,
            "mrr nan is +nan against 0.400 in production, may rise by 0.020",
        ),
    ],
)
def test_a_check_says_what_it_held_against_what(made: Check, passed: bool, sentence: str) -> None:
    assert made.passed is passed
    assert made.sentence() == sentence


@pytest.mark.parametrize(("value", "against", "bound"), [(0.3, 0.32, 0.02), (0.1, 0.4, 0.3), (0.7, 0.8, 0.1)])
def test_a_drop_of_exactly_the_bound_passes_whatever_the_rounding(value: float, against: float, bound: float) -> None:
    assert check("max_drop", bound, value, against).passed
    assert not check("max_drop", bound, value - 1e-6, against).passed
    assert check("max_rise", bound, against, value).passed
    assert not check("max_rise", bound, against + 1e-6, value).passed


def test_a_verdict_survives_its_file(tmp_path: Path) -> None:
    metrics = {"recall@1": 0.5, "mrr": 0.625}
    verdict = Verdict(
        blessed=True,
        production_version=None,
        rows=12,
        metrics=metrics,
        production=None,
        reference=Reference(name="TF-IDF", metrics={"recall@1": 0.25, "mrr": 0.5}),
        checks=[check("min", 0.5, 0.625)],
        slices=[Slice(by="category", name="altaner på höjden", rows=3, metrics=metrics)],
    )
    verdict.write(str(tmp_path))
    text = (tmp_path / FILE).read_text(encoding="utf-8")
    assert Verdict.model_validate_json(text) == verdict


def test_what_is_not_a_number_survives_too(tmp_path: Path) -> None:
    nan = float("nan")
    verdict = Verdict(
        blessed=False,
        production_version="17",
        rows=2,
        metrics={"distance_ratio": nan},
        production={"distance_ratio": nan},
        reference=None,
        checks=[check("max", 0.5, nan), check("max_rise", 0.5, nan, nan)],
        slices=[Slice(by="label", name="3", rows=2, metrics={"distance_ratio": nan, "accuracy": 0.5})],
    )
    verdict.write(str(tmp_path))
    found = Verdict.model_validate_json((tmp_path / FILE).read_text(encoding="utf-8"))
    assert found.model_dump_json() == verdict.model_dump_json()
    assert math.isnan(found.slices[0].metrics["distance_ratio"])
    assert [one.passed for one in found.checks] == [False, False]
