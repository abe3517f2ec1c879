"""A config file that is read again and again, and what becomes of one that cannot be served."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from serving.server import config_file
from serving.server.flags import Flags
from serving.server.model_config import ModelConfig
from serving.server.models import Models
from serving.whole_file import write_whole
from tests.serving.fake_models import Fake, add, run
from tests.serving.reloading import labels, model, models

POLL_SECONDS = 0.005


def follow(file: Path, scenario: Callable[[Models[Fake], Callable[[], int]], Awaitable[None]], **settings: Any) -> None:
    """Run `scenario` while `file` is followed; it can ask how often the file has been read."""
    reads: list[Path] = []
    read_file = config_file.read_file

    def counted(path: Path) -> list[ModelConfig]:
        reads.append(path)
        return read_file(path)

    async def main(served: Models[Fake]) -> None:
        await served.start()
        flags = Flags(model_config_file=str(file), model_config_file_poll_wait_seconds=POLL_SECONDS)
        following = asyncio.create_task(config_file.follow(flags, served))
        try:
            async with asyncio.timeout(20):
                await scenario(served, lambda: len(reads))
        finally:
            following.cancel()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config_file, "read_file", counted)
        run(main, *read_file(file), **settings)


async def until(look: Callable[[], bool]) -> None:
    while not look():
        await asyncio.sleep(POLL_SECONDS)


async def several_polls(reads: Callable[[], int]) -> None:
    before = reads()
    await until(lambda: reads() > before + 5)


def test_what_is_refused_is_loaded_and_logged_once_until_it_can_be_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, loads = tmp_path / "models.config", list[str]()
    for name in ("old", "good"):
        add(tmp_path / name, 1)
    write_whole(file, models(model("old", tmp_path / "old")))

    def load(path: Path) -> Fake:
        loads.append(f"{path.parent.name}/{path.name}")
        return Fake(path)

    async def scenario(served: Models[Fake], reads: Callable[[], int]) -> None:
        write_whole(file, models(*(model(name, tmp_path / name) for name in ("old", "good", "missing"))))
        await several_polls(reads)
        assert loads == ["old/1", "good/1"]
        missing, refused = capsys.readouterr().err.splitlines()
        assert missing.startswith(f"Could not find base path {tmp_path / 'missing'} for servable missing: ")
        assert refused.startswith(f"the models stay as they are; reloading {file} failed: UNKNOWN: 1 model(s) did not")
        assert served.summary() == "old/1"
        add(tmp_path / "coming", 1)
        (tmp_path / "coming").rename(tmp_path / "missing")
        await until(lambda: served.summary() == "old/1, good/1, missing/1")
        await several_polls(reads)
        assert sorted(loads[2:]) == ["good/1", "missing/1"]
        assert capsys.readouterr().err == ""

    follow(file, scenario, load=load)


def test_a_changed_file_is_tried_at_once_and_its_refusal_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "models.config"
    add(tmp_path / "old", 1)
    write_whole(file, models(model("old", tmp_path / "old")))

    async def scenario(served: Models[Fake], reads: Callable[[], int]) -> None:
        for label in (7, 8):
            write_whole(file, models(model("old", tmp_path / "old", labels(a=label))))
            await several_polls(reads)
            (line,) = capsys.readouterr().err.splitlines()
            assert f"assign label to version {label} of model old" in line
        write_whole(file, models(model("old", tmp_path / "old", labels(a=1))))
        await until(lambda: served.configs["old"].labels == {"a": 1})
        assert served.find("old", label="a").version == 1

    follow(file, scenario)


def test_a_label_is_taken_once_its_version_is_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its folder is there all the time: what changes is that another look has loaded it."""
    file = tmp_path / "models.config"
    add(tmp_path / "old", 1)
    write_whole(file, models(model("old", tmp_path / "old")))
    usable = False

    def load(path: Path) -> Fake:
        if path.name == "2" and not usable:
            raise OSError("not yet")
        return Fake(path)

    async def scenario(served: Models[Fake], reads: Callable[[], int]) -> None:
        nonlocal usable
        add(tmp_path / "old", 2)
        write_whole(file, models(model("old", tmp_path / "old", labels(new=2))))
        await several_polls(reads)
        assert "assign label to version 2 of model old" in capsys.readouterr().err
        assert served.summary() == "old/1"
        usable = True
        await served.look()
        await until(lambda: served.configs["old"].labels == {"new": 2})
        assert served.find("old", label="new").version == 2

    follow(file, scenario, load=load, retries=5, retry_seconds=0)
