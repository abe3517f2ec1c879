import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from components.evaluate.verdict import Check, Metrics, Reference, Slice, Verdict
from components.ingest.summary import Rejected, Summary
from pipeline.config import ClassifyConfig, MatchConfig, PipelineConfig
from pipeline.facts import Facts
from pipeline.summary import remark, summarize


def metrics(mrr: float) -> Metrics:
    return {"recall@1": mrr / 2, "recall@5": mrr, "recall@10": mrr, "mrr": mrr}


def judged(accuracy: float, distance_ratio: float = 0.5) -> Metrics:
    """What a classifier is judged by."""
    return {"accuracy": accuracy, "neighbor_accuracy": 0.81, "ece": 0.04, "distance_ratio": distance_ratio}


VERDICT = Verdict(
    blessed=True,
    production_version=None,
    rows=50,
    metrics=metrics(0.6),
    production=None,
    reference=Reference(name="TF-IDF", metrics=metrics(0.4)),
    checks=[Check(metric="mrr", kind="min", bound=0.5, value=0.6)],
    slices=[
        Slice(by="category", name="fees", rows=9, metrics=metrics(0.31)),
        Slice(by="category", name="rare", rows=2, metrics=metrics(0.01)),
        Slice(by="category", name="roofs [red]", rows=3, metrics=metrics(0.22)),
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

CLASSIFIED = Verdict(
    blessed=False,
    production_version="17",
    rows=60,
    metrics=judged(0.9),
    production=judged(0.93, 0.61),
    reference=Reference(name="5-NN on pixels", metrics={"accuracy": 0.85, "neighbor_accuracy": 0.85}),
    checks=[
        Check(metric="accuracy", kind="max_drop", bound=0.01, value=0.9, against=0.93),
        Check(metric="ece", kind="max", bound=0.05, value=0.04),
    ],
    slices=[
        Slice(by="category", name="", rows=60, metrics=judged(0.89)),
        Slice(by="category", name="scanned", rows=20, metrics=judged(0.7)),
        Slice(by="label", name="3", rows=7, metrics=judged(0.5, float("nan"))),
        Slice(by="label", name="4", rows=5, metrics=judged(0.95, float("nan"))),
        Slice(by="label", name="8", rows=6, metrics=judged(0.25, float("nan"))),
        Slice(by="label", name="9", rows=6, metrics=judged(0.6, float("nan"))),
        Slice(by="label", name="7", rows=6, metrics=judged(0.7, float("nan"))),
    ],
)


def config(folder: Path, task: str = "match", **data: Any) -> PipelineConfig:
    kind = MatchConfig if task == "match" else ClassifyConfig
    content = {"name": "faq", "task": task, "output": str(folder), "data": {"path": "faq.csv"} | data}
    return kind.model_validate(content)


def shown(facts: Facts, settings: PipelineConfig) -> str:
    console = Console(file=io.StringIO(), width=200)
    summarize(settings, "faq.yaml", facts, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_it_counts_rows_and_names_the_list_of_those_set_aside(tmp_path: Path) -> None:
    text = shown(PUSHED, config(tmp_path))
    assert f"60 rows: 40 train, 8 validation, 9 test, 1 repeated; 2 set aside: {tmp_path}/rejected.csv" in text
    clean = INGEST.model_copy(update={"duplicates": 0, "rejected": {}})
    assert "9 test; 0 set aside\n" in shown(replace(PUSHED, ingest=clean), config(tmp_path))


def test_it_names_the_weakest_categories_with_rows_enough(tmp_path: Path) -> None:
    text = shown(PUSHED, config(tmp_path))
    assert "weakest by mrr, category: roofs [red] 0.220 (3 rows), fees 0.310 (9 rows)" in text
    assert "rare" not in text


def test_it_names_the_weakest_labels_and_categories_apart(tmp_path: Path) -> None:
    text = shown(replace(PUSHED, verdict=CLASSIFIED), config(tmp_path, "classify"))
    assert "weakest by accuracy, category: scanned 0.700 (20 rows)\n" in text
    assert "weakest by accuracy, label: 8 0.250 (6 rows), 3 0.500 (7 rows), 9 0.600 (6 rows)\n" in text


def test_figures_stand_beside_the_reference_and_production(tmp_path: Path) -> None:
    lines = shown(PUSHED, config(tmp_path)).splitlines()
    heading = next(line for line in lines if "TF-IDF" in line)
    assert heading.split("  ")[0] == "50 test rows against every answer"
    assert "in production" not in heading
    assert [line.split() for line in lines if line.startswith(("recall@1 ", "mrr"))] == [
        ["recall@1", "0.300", "0.200"],
        ["mrr", "0.600", "0.400"],
    ]


def test_figures_that_the_reference_does_not_have_are_left_empty(tmp_path: Path) -> None:
    lines = shown(replace(PUSHED, verdict=CLASSIFIED), config(tmp_path, "classify")).splitlines()
    heading = next(line for line in lines if "5-NN" in line)
    assert heading.split("  ")[0] == "60 test rows"
    names = ("accuracy", "neighbor_accuracy", "ece", "distance_ratio")
    assert [line.split() for line in lines if line.startswith(names)] == [
        ["accuracy", "0.900", "0.930", "0.850"],
        ["neighbor_accuracy", "0.810", "0.810", "0.850"],
        ["ece", "0.040", "0.040"],
        ["distance_ratio", "0.500", "0.610"],
    ]
    assert "✗ accuracy 0.900 is -0.030 against 0.930 in production, may fall by 0.010" in lines
    assert "✓ ece 0.040, at most 0.050 wanted" in lines


@pytest.mark.parametrize(
    ("epoch", "said"),
    [
        (0, "! no epoch was better than the untrained model, which was kept; try another train.learning_rate"),
        (30, "! the last epoch was the best; more train.epochs may be better still"),
    ],
)
def test_a_doubtful_training_is_remarked(tmp_path: Path, epoch: int, said: str) -> None:
    lines = shown(replace(PUSHED, training=TRAINED | {"best_epoch": epoch}), config(tmp_path)).splitlines()
    assert said in lines
    assert not [line for line in shown(PUSHED, config(tmp_path)).splitlines() if line.startswith("!")]


def test_a_model_below_the_reference_is_remarked_though_no_gate_speaks(tmp_path: Path) -> None:
    below = VERDICT.model_copy(update={"metrics": VERDICT.metrics | {"mrr": 0.39}})
    said = "! mrr is below that of TF-IDF; gates.mrr.min would refuse such a model"
    assert said in shown(replace(PUSHED, verdict=below), config(tmp_path)).splitlines()


def test_few_test_rows_are_said_to_say_little(tmp_path: Path) -> None:
    few = replace(PUSHED, verdict=VERDICT.model_copy(update={"rows": 29}))
    assert "29 test rows say little about a model" in shown(few, config(tmp_path))
    assert "say little" not in shown(PUSHED, config(tmp_path))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "✓ pushed as version 1795 to "),
        ({"pushed": None, "unchanged": "1790"}, "✓ version 1790 in production is this very model; nothing to push"),
        ({"pushed": None, "verdict": VERDICT.model_copy(update={"blessed": False})}, "✗ not pushed: refused by gate"),
        ({"pushed": None, "withdrawn": "1790"}, "✗ not pushed: same as 1790, which was rolled back; production stays"),
        ({"pushed": None, "serves": False, "refusal": "search is not finite"}, "✗ not pushed: search is not finite"),
    ],
)
def test_it_says_what_came_of_the_run(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    text = shown(replace(PUSHED, **change), config(tmp_path))
    assert expected in text
    assert ("Next: " in text) == expected.startswith("✓")


def test_the_way_back_from_a_rollback_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANCHORLINE_PROGRAM", "./dev anchorline")
    text = shown(replace(PUSHED, pushed=None, withdrawn="1790"), config(tmp_path))
    assert "to bring it back: ./dev anchorline rollback faq.yaml 1790\n" in text


def test_folders_are_shown_as_they_are_named(tmp_path: Path) -> None:
    text = shown(PUSHED, config(tmp_path / "[prod]"))
    assert f"to {tmp_path}/[prod]/" in text


@pytest.mark.parametrize(
    ("task", "data", "command"),
    [
        ("match", {}, 'ask faq.yaml "…"'),
        ("classify", {"format": "texts"}, 'classify faq.yaml "…"'),
        ("classify", {"format": "images"}, "classify faq.yaml PICTURE"),
    ],
)
def test_the_next_command_is_the_one_that_can_be_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, data: dict[str, str], command: str
) -> None:
    monkeypatch.setenv("ANCHORLINE_PROGRAM", "./dev anchorline")
    verdict = VERDICT if task == "match" else CLASSIFIED
    text = shown(replace(PUSHED, verdict=verdict), config(tmp_path, task, **data))
    assert f"Next: ./dev anchorline {command}  or  ./dev anchorline serve faq.yaml" in text


TRAINED = {"best_epoch": 4, "validation": {"val_mrr": 0.4321, "val_accuracy": 0.8765, "val_cross_entropy": 0.3}}


@pytest.mark.parametrize(
    ("task", "step", "change", "words"),
    [
        ("match", "ingest", {}, "57 rows kept, 2 set aside"),
        ("match", "train", {"training": TRAINED}, "best epoch 4, validation mrr 0.432"),
        ("classify", "train", {"training": TRAINED}, "best epoch 4, validation accuracy 0.876"),
        ("match", "evaluate", {}, "passed the gates"),
        ("classify", "evaluate", {"verdict": CLASSIFIED}, "refused by a gate"),
        ("classify", "serving_check", {}, "serves by gRPC and REST"),
        ("match", "serving_check", {"serves": False, "refusal": "search is not finite"}, "search is not finite"),
        ("match", "push", {}, "pushed 1795"),
        ("match", "schema", {}, ""),
    ],
)
def test_a_finished_step_is_summed_up(tmp_path: Path, task: str, step: str, change: dict[str, Any], words: str) -> None:
    assert remark(config(tmp_path, task), step, replace(PUSHED, **change)) == words
