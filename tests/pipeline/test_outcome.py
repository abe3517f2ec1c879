import json
from dataclasses import replace
from pathlib import Path

import pytest

from components.errors import UserError
from components.evaluate.verdict import Check, Verdict
from pipeline.facts import Facts
from pipeline.outcome import Outcome, outcome_of, outcome_to

NOTHING = Facts(ingest=None, training=None, verdict=None, serves=None, refusal="", pushed=None, unchanged=None)


def verdict(*checks: Check) -> Verdict:
    return Verdict(
        blessed=all(check.passed for check in checks),
        production_version=None,
        rows=9,
        metrics={"mrr": 0.25, "distance_ratio": float("nan")},
        production=None,
        reference=None,
        checks=list(checks),
        slices=[],
    )


LOW = Check(metric="mrr", kind="min", bound=0.75, value=0.25)
FINE = Check(metric="mrr", kind="min", bound=0.125, value=0.25)


def test_gates_that_refuse_are_named_alone() -> None:
    outcome = outcome_of(replace(NOTHING, verdict=verdict(LOW, FINE), serves=True))
    assert (outcome.blessed, outcome.serves, outcome.pushed, outcome.outcome) == (False, True, None, "refused by gate")
    assert outcome.refused_by == ["mrr 0.250, at least 0.750 wanted, short by 0.500"]


def test_a_push_is_told_with_version_and_metrics(tmp_path: Path) -> None:
    with outcome_to(tmp_path / "o.json") as hand_over:
        hand_over(replace(NOTHING, verdict=verdict(FINE), serves=True, pushed="1795"))
    written = json.loads((tmp_path / "o.json").read_text())
    assert (written["pushed"], written["outcome"], written["refused_by"]) == ("1795", "pushed 1795", [])
    assert written["metrics"] == {"mrr": 0.25, "distance_ratio": None}  # JSON knows no NaN
    assert [path.name for path in tmp_path.iterdir()] == ["o.json"]


@pytest.mark.parametrize(
    ("facts", "refused_by"),
    [
        (
            replace(NOTHING, verdict=verdict(FINE), serves=False, refusal="it says nothing"),
            "serving check: it says nothing",
        ),
        (replace(NOTHING, verdict=verdict(FINE), serves=True, withdrawn="7"), "same as 7, which was rolled back"),
    ],
)
def test_what_else_refuses_is_named(facts: Facts, refused_by: str) -> None:
    assert outcome_of(facts).refused_by == [refused_by]


@pytest.mark.parametrize(("error", "told"), [(UserError("no rows"), "no rows"), (KeyboardInterrupt(), "interrupted")])
def test_an_error_is_told_and_goes_on(tmp_path: Path, error: BaseException, told: str) -> None:
    with pytest.raises(type(error)), outcome_to(tmp_path / "o.json"):
        raise error
    assert json.loads((tmp_path / "o.json").read_text())["error"] == told


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"--json .*nowhere/o.json: cannot be written"),
        outcome_to(tmp_path / "nowhere" / "o.json") as hand_over,
    ):
        hand_over(NOTHING)


def test_what_was_written_can_be_read_also_where_a_metric_is_no_number(tmp_path: Path) -> None:
    with outcome_to(tmp_path / "o.json") as hand_over:
        hand_over(replace(NOTHING, verdict=verdict(FINE), serves=True, pushed="1795"))
    read = Outcome.model_validate_json((tmp_path / "o.json").read_bytes())
    assert (read.pushed, read.metrics) == ("1795", {"mrr": 0.25, "distance_ratio": None})


def test_a_file_that_cannot_be_written_is_found_out_before_the_run(tmp_path: Path) -> None:
    begun = []
    with pytest.raises(UserError, match=r"cannot be written: Is a directory"), outcome_to(tmp_path):
        begun.append("run")
    assert not begun


def test_a_run_that_crashes_leaves_its_word_not_that_of_the_last(tmp_path: Path) -> None:
    (tmp_path / "o.json").write_text('{"outcome": "pushed 1"}')
    with pytest.raises(KeyError), outcome_to(tmp_path / "o.json"):
        raise KeyError("mrr")
    assert json.loads((tmp_path / "o.json").read_text())["outcome"] == "failed"
