import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from components.evaluate.verdict import Check, Metrics, Slice, Verdict
from components.ingest.summary import Rejected, Summary
from pipeline.config import PipelineConfig
from pipeline.facts import Facts
from pipeline.summary import summarize


def metrics(mrr: float) -> Metrics:
    return {"recall@1": mrr / 2, "recall@5": mrr, "recall@10": mrr, "mrr": mrr}


VERDICT = Verdict(
    blessed=True,
    production_version=None,
    questions=50,
    metrics=metrics(0.6),
    production=None,
    tfidf=metrics(0.4),
    checks=[Check(metric="mrr", kind="min", bound=0.5, value=0.6)],
    slices=[
        Slice(name="fees", questions=9, metrics=metrics(0.31)),
        Slice(name="rare", questions=2, metrics=metrics(0.01)),
        Slice(name="roofs [red]", questions=3, metrics=metrics(0.22)),
    ],
)
INGEST = Summary(
    files=["faq.csv"],
    rows=60,
    kept={"train": 40, "validation": 8, "test": 9},
    duplicates=1,
    rejected={"empty answer": Rejected(rows=2, first="faq.csv:7")},
    distinct={"question": 57, "answer": 57, "group": 57},
)
PUSHED = Facts(ingest=INGEST, training=None, verdict=VERDICT, serves=True, refusal="", pushed="1795", unchanged=None)


def shown(facts: Facts, folder: Path) -> str:
    config = PipelineConfig.model_validate({"name": "faq", "output": str(folder), "data": {"path": "faq.csv"}})
    console = Console(file=io.StringIO(), width=200)
    summarize(config, "faq.yaml", facts, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_it_counts_rows_and_names_the_list_of_those_set_aside(tmp_path: Path) -> None:
    text = shown(PUSHED, tmp_path)
    assert f"60 rows: 40 train, 8 validation, 9 test; 2 set aside: {tmp_path}/rejected.csv" in text


def test_it_names_the_weakest_categories_with_questions_enough(tmp_path: Path) -> None:
    text = shown(PUSHED, tmp_path)
    assert "weakest categories by mrr: roofs [red] 0.220 (3 questions), fees 0.310 (9 questions)" in text
    assert "rare" not in text


def test_few_test_questions_are_said_to_say_little(tmp_path: Path) -> None:
    few = replace(PUSHED, verdict=VERDICT.model_copy(update={"questions": 29}))
    assert "29 test questions say little about a model" in shown(few, tmp_path)
    assert "say little" not in shown(PUSHED, tmp_path)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "✓ pushed as version 1795 to "),
        ({"pushed": None, "unchanged": "1790"}, "✓ version 1790 in production is this very model; nothing to push"),
        ({"pushed": None, "verdict": VERDICT.model_copy(update={"blessed": False})}, "✗ not pushed: refused by gate"),
        ({"pushed": None, "serves": False, "refusal": "search is not finite"}, "✗ not pushed: search is not finite"),
    ],
)
def test_it_says_what_came_of_the_run(tmp_path: Path, change: dict[str, object], expected: str) -> None:
    text = shown(replace(PUSHED, **change), tmp_path)  # type: ignore[arg-type]
    assert expected in text
    assert ("Next: " in text) == expected.startswith("✓")


def test_the_next_command_is_the_one_that_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANCHORLINE_PROGRAM", "./dev anchorline")
    assert 'Next: ./dev anchorline ask faq.yaml "…"' in shown(PUSHED, tmp_path)
