from pathlib import Path

import pytest

from components.evaluate.verdict import FILE, Check, Slice, Verdict


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
    ],
)
def test_a_check_says_what_it_held_against_what(made: Check, passed: bool, sentence: str) -> None:
    assert made.passed is passed
    assert made.sentence() == sentence


@pytest.mark.parametrize(("value", "against", "bound"), [(0.3, 0.32, 0.02), (0.1, 0.4, 0.3), (0.7, 0.8, 0.1)])
def test_a_drop_of_exactly_the_bound_passes_whatever_the_rounding(value: float, against: float, bound: float) -> None:
    assert check("max_drop", bound, value, against).passed
    assert not check("max_drop", bound, value - 1e-6, against).passed


def test_a_verdict_survives_its_file(tmp_path: Path) -> None:
    metrics = {"recall@1": 0.5, "mrr": 0.625}
    verdict = Verdict(
        blessed=True,
        production_version=None,
        questions=12,
        metrics=metrics,
        production=None,
        tfidf={"recall@1": 0.25, "mrr": 0.5},
        checks=[check("min", 0.5, 0.625)],
        slices=[Slice(name="altaner på höjden", questions=3, metrics=metrics)],
    )
    verdict.write(str(tmp_path))
    text = (tmp_path / FILE).read_text(encoding="utf-8")
    assert Verdict.model_validate_json(text) == verdict
