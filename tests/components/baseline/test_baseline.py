from collections.abc import Callable
from pathlib import Path

import pytest
from tfx.types import Artifact, standard_artifacts

from components.baseline.component import Baseline, production_version

type Run = Callable[[Path], Artifact]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def of(serving: Path) -> Artifact:
        model = standard_artifacts.Model()
        model.uri = str(tmp_path / "baseline")
        executor = Baseline.EXECUTOR_SPEC.executor_class()
        executor.Do({}, {"model": [model]}, {"serving_folder": str(serving), "newest": "unused"})
        return model

    return of


def test_with_nothing_pushed_there_is_no_baseline(run: Run, tmp_path: Path) -> None:
    model = run(tmp_path / "serving")
    assert production_version(model) is None
    assert list(Path(model.uri).iterdir()) == []


def test_the_newest_version_is_the_baseline(run: Run, tmp_path: Path) -> None:
    for version, text in (("9", "old"), ("10", "new"), (".incoming", "half")):
        (tmp_path / "serving" / version / "variables").mkdir(parents=True)
        (tmp_path / "serving" / version / "variables" / "data").write_text(text, encoding="utf-8")
    model = run(tmp_path / "serving")
    assert production_version(model) == "10"
    files = [file for file in Path(model.uri).rglob("*") if file.is_file()]
    assert [str(file.relative_to(model.uri)) for file in files] == ["Format-Serving/variables/data"]
    assert files[0].read_text(encoding="utf-8") == "new"
