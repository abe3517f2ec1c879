"""examples/faq.yaml from its file to an answered question, and what a second run and a worse model do."""

import re
import shutil
from pathlib import Path

import pytest

from tests.end_to_end.command_line import Run, anchorline, versions

pytestmark = pytest.mark.end_to_end

CONFIG = Path("examples/faq.yaml")
QUESTION = "How many weeks does it take until I get my building permit?"
ANSWER = "The statutory processing time is 10 weeks"


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faq")


@pytest.fixture(scope="module")
def serving(output: Path) -> Path:
    return output / "serving" / "building-permits"


@pytest.fixture(scope="module")
def first_run(output: Path) -> Run:
    return anchorline("run", CONFIG, "--set", f"output={output}")


def test_the_first_run_pushes(first_run: Run, serving: Path) -> None:
    assert first_run.returncode == 0, first_run.stdout + first_run.stderr
    assert "503 rows kept, 0 set aside" in first_run.stdout
    assert "no version in production to compare with" in first_run.stdout
    assert "serves by gRPC and REST" in first_run.stdout
    (version,) = versions(serving)
    assert f"pushed as version {version}" in first_run.stdout


def test_a_user_sees_none_of_tensorflows_chatter(first_run: Run) -> None:
    assert first_run.stderr == ""
    assert "WARNING" not in first_run.stdout


def test_training_shows_its_metrics_by_name(first_run: Run) -> None:
    assert "loss: " in first_run.stdout
    assert "val_recall@1: " in first_run.stdout
    assert "val_mrr: " in first_run.stdout


def test_the_question_is_answered(first_run: Run, output: Path) -> None:
    assert first_run.returncode == 0
    answered = anchorline("ask", CONFIG, QUESTION, "--set", f"output={output}")
    assert answered.returncode == 0, answered.stderr
    first = next(line for line in answered.stdout.splitlines() if line.startswith("1."))
    assert ANSWER in first


def test_an_unchanged_second_run_pushes_nothing(first_run: Run, output: Path, serving: Path) -> None:
    assert first_run.returncode == 0
    before = versions(serving)
    second = anchorline("run", CONFIG, "--set", f"output={output}")
    assert second.returncode == 0, second.stdout + second.stderr
    for step in ("ingest", "statistics", "transform", "train"):
        (line,) = [line for line in second.stdout.splitlines() if line.startswith(f"{step} ")]
        assert "from the cache" in line
    assert f"version {before[0]} in production is this very model" in second.stdout
    assert versions(serving) == before


def test_a_version_that_was_taken_away_is_pushed_anew(first_run: Run, output: Path, serving: Path) -> None:
    """Though every input of the push is as it was: what it changes is no artifact."""
    assert first_run.returncode == 0
    (before,) = versions(serving)
    away = serving.rename(output / "away")
    again = anchorline("run", CONFIG, "--set", f"output={output}")
    assert again.returncode == 0, again.stdout + again.stderr
    (version,) = versions(serving)
    assert version != before
    assert f"pushed as version {version}" in again.stdout
    shutil.rmtree(serving)
    away.rename(serving)


def test_a_worse_model_is_refused_by_metric_and_difference(first_run: Run, output: Path, serving: Path) -> None:
    assert first_run.returncode == 0
    before = versions(serving)
    refused = anchorline("run", CONFIG, "--set", f"output={output}", "--set", "train.learning_rate=30")
    assert refused.returncode == 3, refused.stdout + refused.stderr
    assert re.search(r"✗ mrr 0\.\d+ is -0\.\d+ against 0\.\d+ in production, may fall by 0\.020", refused.stdout)
    assert "not pushed: refused by gate; production stays as it is" in refused.stdout
    assert versions(serving) == before


def test_a_model_below_the_bounds_is_refused_though_there_is_none_to_compare_with(tmp_path: Path) -> None:
    high = ["gates.recall@1.min=0.99", "train.epochs=1", f"output={tmp_path}"]
    refused = anchorline("run", CONFIG, *[part for value in high for part in ("--set", value)])
    assert refused.returncode == 3, refused.stdout + refused.stderr
    assert re.search(r"✗ recall@1 0\.\d+, at least 0\.990 wanted, short by 0\.\d+", refused.stdout)
    assert versions(tmp_path / "serving" / "building-permits") == []


def test_runs_lists_all_of_them(first_run: Run, output: Path, serving: Path) -> None:
    assert first_run.returncode == 0
    listed = anchorline("runs", CONFIG, "--set", f"output={output}")
    assert listed.returncode == 0
    newest, *_, oldest = listed.stdout.splitlines()[1:]
    assert "refused by gate" in newest
    assert f"pushed {versions(serving)[0]}" in oldest
    assert "in production" in oldest
