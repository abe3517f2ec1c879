"""`anchorline rollback`: which version is taken, and what is refused."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from components.errors import UserError
from components.versions import pushed_versions
from pipeline import rollback as module
from pipeline.config import MatchConfig, PipelineConfig
from pipeline.lock import BusyError, run_lock
from pipeline.rollback import rollback
from tests.pipeline.test_runs import NOTHING, START, Run, replace

Make = Callable[..., PipelineConfig]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """`make(3, 5)`: a pipeline whose runs pushed these versions."""
    config = MatchConfig.model_validate({"name": "faq", "output": str(tmp_path), "data": {"path": "x.csv"}})

    def made(*versions: int) -> PipelineConfig:
        for version in versions:
            (config.serving_folder / str(version)).mkdir(parents=True)
            (config.serving_folder / str(version) / "saved_model.pb").write_text(str(version))
        runs = [Run(str(v), START, 1.0, None, replace(NOTHING, pushed=str(v))) for v in versions]
        monkeypatch.setattr(module, "read_runs", lambda _: runs)
        return config

    return made


def roll(config: PipelineConfig, version: int | None = None) -> tuple[str, str]:
    """What the newest version holds after a rollback, and what was printed."""
    console = Console(file=io.StringIO(), width=40)
    rollback(config, version, console)
    newest = pushed_versions(config.serving_folder)[-1]
    assert isinstance(console.file, io.StringIO)
    content = (config.serving_folder / str(newest) / "saved_model.pb").read_text()
    return content, console.file.getvalue().replace(str(newest), "NEW")


def test_without_a_version_each_goes_one_further_back(make: Make) -> None:
    config = make(3, 5, 8)
    assert roll(config) == ("5", "✓ version NEW, a copy of 5, is in production in place of 8\n")
    assert roll(config)[0] == "3"
    with pytest.raises(UserError, match=r"^3 is the oldest version; there is none before it to roll back to$"):
        roll(config)


def test_a_version_can_be_named_also_a_later_one(make: Make) -> None:
    config = make(3, 5, 8)
    assert roll(config, 3)[0] == "3"
    assert roll(config, 8)[0] == "8"


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        (4, "there is no version 4; there are 3, 5"),
        (5, "version 5 is in production already"),
        (None, None),
    ],
)
def test_versions_that_cannot_be(make: Make, version: int | None, reason: str | None) -> None:
    config = make(3, 5)
    if reason is None:
        version, copy = 3, roll(config)
        newest = pushed_versions(config.serving_folder)[-1]
        reason = f"version 3 is in production already, as {newest}"
        assert copy[0] == "3"
    with pytest.raises(UserError) as caught:
        roll(config, version)
    assert str(caught.value) == reason


def test_one_version_alone_and_none_at_all(make: Make) -> None:
    with pytest.raises(UserError, match=r"no version was pushed yet; `anchorline run` makes one"):
        roll(make())
    with pytest.raises(UserError, match=r"^3 is the only version; there is none before it to roll back to$"):
        roll(make(3))


def test_what_a_later_run_found_to_be_its_own_model_is_served(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A push may be killed right after the version has appeared; the next run finds it unchanged."""
    config = make(3, 8)
    runs = [Run("a", START, 1.0, None, replace(NOTHING, unchanged="3")), Run("b", START, 1.0, "push", NOTHING)]
    monkeypatch.setattr(module, "read_runs", lambda _: runs)
    assert roll(config, 3)[0] == "3"


def test_what_no_run_has_pushed_is_not_served(make: Make) -> None:
    config = make(3, 8)
    (config.serving_folder / "5").mkdir()
    with pytest.raises(
        UserError, match=r"^version 5 was pushed by no run of this pipeline; only what passed its gates"
    ):
        roll(config)
    assert pushed_versions(config.serving_folder) == [3, 5, 8]


def test_not_while_the_pipeline_runs(make: Make) -> None:
    config = make(3, 5)
    with run_lock(config.output_folder), pytest.raises(BusyError):
        roll(config)
    assert pushed_versions(config.serving_folder) == [3, 5]
