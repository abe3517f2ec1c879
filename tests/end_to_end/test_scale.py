"""A pipeline on more than one process: each Beam step in two, on a portable runner, and two workers that train."""

import json
import re
import subprocess
import threading
from pathlib import Path

import pytest

from components.train.job import RECORD
from tests.components.train.workers import describe, free_addresses, start_worker
from tests.end_to_end.command_line import small_faq, start, versions, write_faq

pytestmark = pytest.mark.end_to_end

BEAM_STEPS = ("ingest", "statistics", "transform", "evaluate")
WORKER = b"\0-m\0apache_beam.runners.worker.sdk_worker_main\0"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_faq(tmp_path / "faq.csv", small_faq())
    file = tmp_path / "faq.yaml"
    content = {
        "name": "scaled",
        "data": {"path": "faq.csv"},
        "model": {"encoder": {"type": "bag", "dimensions": 128, "buckets": 4096}},
        "train": {
            "epochs": 2,
            "batch_size": 16,
            "distribute": "multi_worker",
            "shared_folder": str(tmp_path / "shared"),
        },
        "gates": {"mrr": {"min": 0.05}},
        "beam": {"options": {"direct_num_workers": 2, "direct_running_mode": "multi_processing"}},
    }
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def beam_workers(ancestor: int) -> set[int]:
    """Processes in which Beam runs what the jobs of a process are made of."""
    parents, workers = {}, set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if WORKER in (folder / "cmdline").read_bytes():
                workers.add(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended

    def descends(process: int | None) -> bool:
        return process == ancestor or (process is not None and descends(parents.get(process)))

    return {worker for worker in workers if descends(worker)}


def test_the_pipeline_pushes_what_several_processes_made(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = config.parent
    addresses = free_addresses()
    describe(monkeypatch, 1, addresses)
    with start_worker(folder / "shared") as other:
        describe(monkeypatch, 0, addresses)
        output, seen = follow(start("run", config))
        _, log = other.communicate(timeout=60)
    assert other.returncode == 0, log
    for step in BEAM_STEPS:
        assert len(seen[step]) >= 2, (step, seen, output)
    (version,) = versions(folder / "out" / "scaled" / "serving" / "scaled")
    assert f"pushed as version {version}" in output
    (record,) = (folder / "out" / "scaled" / "artifacts").rglob(RECORD)
    assert json.loads(record.read_text(encoding="utf-8"))["replicas"] == 2


def follow(run: subprocess.Popen[str]) -> tuple[str, dict[str, set[int]]]:
    """What a run wrote, and the Beam workers that there were in each of its steps."""
    seen: dict[str, set[int]] = {}
    found: set[int] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.2):
            found.update(beam_workers(run.pid))

    watcher = threading.Thread(target=watch)
    output = ""
    with run:
        watcher.start()
        assert run.stdout is not None
        for line in run.stdout:
            output += line
            if step := re.match(r"(\w+) +\d+\.\d s", line):
                seen[step[1]] = found.copy()
                found.clear()
    ended.set()
    watcher.join()
    assert run.returncode == 0, output
    return output, seen
