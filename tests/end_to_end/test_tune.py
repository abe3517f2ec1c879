"""`anchorline tune` as its users run it, killed in the middle, and a run of what it wrote."""

import json
import signal
from pathlib import Path

import pytest

from pipeline.config import load_config
from tests.end_to_end.command_line import anchorline, start

pytestmark = pytest.mark.end_to_end

TUNE = """\
tune:
  trials: 3  # few
  algorithm: random
  ranges:
    train.learning_rate: {min: 1e-3, max: 0.1, log: true}
    model.encoder.dimensions: {min: 64, max: 256, step: 64}
"""


@pytest.fixture
def tuned_config(small_config: Path) -> Path:
    small_config.write_text(small_config.read_text(encoding="utf-8") + TUNE, encoding="utf-8")
    return small_config


def test_tune_killed_and_resumed_and_run(tuned_config: Path) -> None:
    searches = tuned_config.parent / "out" / "small" / "tune"
    with start("tune", tuned_config) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("   1 of 3"):
                process.send_signal(signal.SIGKILL)
                break
    assert process.wait() == -signal.SIGKILL, "".join(lines)
    (search,) = searches.iterdir()
    before = json.loads((search / "trials.json").read_text())
    assert [trial["number"] for trial in before] == [0, 1]

    resumed = anchorline("tune", tuned_config)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert resumed.stderr == ""
    assert "2 trials are finished already, the config as it is among them" in resumed.stdout
    assert resumed.stdout.count("unchanged, from the cache") == 5
    assert "   2 of 3  val_mrr " in resumed.stdout
    assert "   1 of 3" not in resumed.stdout
    after = json.loads((search / "trials.json").read_text())
    assert after[:2] == before
    assert [trial["number"] for trial in after] == [0, 1, 2, 3]

    best = max(after, key=lambda trial: trial["scores"][0])
    file = tuned_config.with_name("faq-tuned.yaml")
    assert "  trials: 3  # few\n" in file.read_text(encoding="utf-8")
    tuned, base = load_config(file), load_config(tuned_config)
    if best["number"]:
        assert tuned.train.learning_rate == best["values"]["train.learning_rate"]
    assert tuned.data == base.data

    run = anchorline("run", file)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("unchanged, from the cache") == 5
    assert f"validation mrr {best['scores'][0]:.3f}" in run.stdout
    assert len(anchorline("runs", tuned_config).stdout.splitlines()) == 2  # a heading and the run; a search is none


def test_what_cannot_be_tuned_is_one_sentence(small_config: Path) -> None:
    nothing = anchorline("tune", small_config)
    assert nothing.returncode == 1
    assert nothing.stderr.count("\n") == 1
    assert "tune.ranges: is missing" in nothing.stderr
    wrong = anchorline("tune", small_config, "--set", "tune.ranges={train.epochs: [0]}")
    assert wrong.returncode == 1
    assert "train.epochs: got 0; should be greater than or equal to 1" in wrong.stderr
    assert not (small_config.parent / "out").exists()
