"""A scheduled run of a real pipeline: what its line says of a refusal."""

import json
import shutil
from pathlib import Path

import pytest

from tests.end_to_end.command_line import anchorline, versions


@pytest.mark.end_to_end
def test_a_refused_run_names_the_gate(pushed: Path, tmp_path: Path) -> None:
    config = shutil.copytree(pushed.parent, tmp_path / "copy") / pushed.name
    output = config.parent / "out" / "small"
    before = versions(output / "serving" / "small")
    untaught = "model.encoder={type: lstm, units: 4}", "train.epochs=1", "gates.mrr={min: 0.99}"
    done = anchorline("schedule", config, "--once", *(part for one in untaught for part in ("--set", one)))
    assert done.returncode == 3, done.stderr
    (line,) = done.stdout.splitlines()
    record = json.loads(line)
    assert (record["exit_code"], record["outcome"], record["blessed"]) == (3, "refused by gate", False)
    (gate,) = record["refused_by"]
    assert gate.startswith(f"mrr {record['metrics']['mrr']:.3f}, at least 0.990 wanted")
    assert versions(output / "serving" / "small") == before
    assert "not pushed" in (output / "schedule" / "screen.log").read_text(encoding="utf-8")
