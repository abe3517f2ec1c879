import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import code_version as module
from pipeline.code_version import code_version

ENTRY = "components.train.run_fn.run_fn"


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of our packages that may be edited, in front of the real ones."""
    for package in ("components", "serving"):
        shutil.copytree(Path(__file__).parents[2] / package, tmp_path / package)
    for name in [name for name in sys.modules if name.split(".")[0] in ("components", "serving")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    module._imports.cache_clear()
    module._sources.cache_clear()


def edited(file: Path) -> str:
    with file.open("a") as stream:
        stream.write("# edited\n")
    forget()
    return code_version([ENTRY])


@pytest.mark.usefixtures("copy")
def test_it_is_stable() -> None:
    assert code_version([ENTRY]) == code_version([ENTRY])


@pytest.mark.parametrize(
    "file",
    [
        "components/train/run_fn.py",
        "components/train/__init__.py",
        "components/tasks/library.py",
        "components/encoders/bag.py",  # imported inside a function only
        "components/losses/triplet.py",
        "components/transform/tokens.py",
    ],
)
def test_it_changes_with_every_module_the_step_reaches(copy: Path, file: str) -> None:
    before = code_version([ENTRY])
    assert edited(copy / file) != before


def test_the_check_depends_on_the_server_that_it_starts_by_name(copy: Path) -> None:
    entry = "components.serving_check.component"
    before = code_version([entry])
    for name in ("rest.py", "__main__.py"):
        with (copy / "serving" / "server" / name).open("a") as stream:
            stream.write("# edited\n")
        forget()
        after = code_version([entry])
        assert after != before
        before = after


def test_other_steps_code_does_not_matter(copy: Path) -> None:
    before = code_version([ENTRY])
    assert edited(copy / "components/push/executor.py") == before
    assert edited(copy / "components/ingest/rows.py") == before


@pytest.mark.usefixtures("copy")
def test_the_libraries_versions_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_version([ENTRY])
    monkeypatch.setattr(module, "version", lambda _: "0")
    assert code_version([ENTRY]) != before
