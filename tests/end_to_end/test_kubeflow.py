"""The compiled pipeline run on this machine, each step's own command as a process."""

from pathlib import Path

import pytest

from tests.end_to_end.command_line import anchorline, small_faq, versions

pytestmark = pytest.mark.end_to_end

STEPS = ["ingest", "statistics", "schema", "anomalies", "transform", "train", "baseline", "evaluate", "push"]


def test_it_pushes_a_model_that_answers(small_config: Path) -> None:
    run = anchorline("kubeflow", "run-local", small_config, "--no-containers", "--parameter", "run_name=nightly")
    assert run.returncode == 0, run.stdout + run.stderr
    shown = [line.split()[0] for line in run.stdout.splitlines() if line[15:22].strip().replace(".", "").isdigit()]
    assert [step for step in shown if step in STEPS] == STEPS
    assert "serving-check" in shown
    output = small_config.parent / "out" / "small"
    (version,) = versions(output / "serving" / "small")
    assert f"pushed as version {version}" in run.stdout
    question, answer = small_faq()[0]
    asked = anchorline("ask", small_config, question, "--top", "1")
    assert asked.returncode == 0, asked.stderr
    assert answer in asked.stdout


def test_a_failing_step_ends_the_run_and_is_named_with_its_log(small_config: Path) -> None:
    gone = small_config.parent / "gone.csv"
    run = anchorline("kubeflow", "run-local", small_config, "--no-containers", "--parameter", f"data_path={gone}")
    assert run.returncode == 1
    assert "step ingest failed (exit code 1); the whole story is in " in run.stderr
    assert run.stderr.splitlines()[-1] == (
        f"  error: There is no file {gone} (data.path; looked for {gone.parent}/gone.csv)."
    )
    assert "statistics" not in run.stdout
    assert versions(small_config.parent / "out" / "small" / "serving" / "small") == []
