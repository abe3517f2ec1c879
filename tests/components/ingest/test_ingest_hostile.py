"""Two thousand files that are damaged, lie or are unusual, in one run."""

from collections import Counter
from pathlib import Path

from components.ingest.settings import LabelData
from components.ingest.units import shown
from tests.components.ingest.running import ingest
from tests.components.pictures.hostile import EITHER, KINDS, LINK, REFUSED, write_hostile

FILES = 2000
CLASSES = 4
MB = 1024  # kB

WRONG = REFUSED | {LINK: {"path leaves the folder"}}


def memory(field: str) -> int:
    """A field of the process's status, in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def test_none_stops_the_run_all_are_accounted_for_and_memory_stays_bounded(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    kinds: dict[str, str] = {}
    for number, (file, kind) in enumerate(write_hostile(tmp_path / "all", FILES).items()):
        path = tmp_path / f"data/{number * CLASSES // FILES}/{file.name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        file.rename(path)
        kinds[shown(str(path))] = kind
    assert len(kinds) == FILES
    assert {*kinds.values()} == {*KINDS, LINK}

    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is now what is in use
    done = ingest(LabelData(path=str(tmp_path / "data"), format="images", max_bad_fraction=0.6), tmp_path / "out")
    assert memory("VmHWM") - before < 500 * MB

    summary, reasons = done.summary, {row["file"]: row["reason"] for row in done.rejects}
    assert summary.rows == FILES == len(done.rows) + summary.duplicates + summary.bad
    assert len(reasons) == summary.bad
    assert Counter(reasons.values()) == done.reasons
    kept = {str(tmp_path / "data" / row["id"].decode()): row["image"] for row in done.rows}
    assert all(Path(name).read_bytes() == content for name, content in kept.items())
    for name, kind in kinds.items():
        if kind in WRONG:
            assert reasons.get(name) in WRONG[kind], (name, kind)
        elif kind not in EITHER:
            assert name not in reasons, (name, kind, reasons[name])
