"""Which version answers when, with models that are loaded from text files."""

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest

from serving.server.errors import Code
from serving.server.model_config import ModelConfig
from serving.server.models import Models, StartError, UnavailableLabels
from serving.server.served import State
from serving.server.signature import Signature
from serving.server.versions import Policy
from tests.serving.fake_models import Fake, add, refusal, remove, run, states


def test_the_newest_answers_unless_another_is_asked_for(tmp_path: Path) -> None:
    for version in (1, 2, 30):
        add(tmp_path, version)

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        assert models.find("m").model.text == "version 30"
        assert models.find("m", 2).model.text == "version 2"
        assert models.find("m", label="old").version == 1
        assert refusal(models, "m", 4) == (Code.NOT_FOUND, "Servable not found for request: Specific(m, 4)")
        assert refusal(models, "m", label="x") == (Code.INVALID_ARGUMENT, "Unrecognized servable version label: x")
        assert refusal(models, "") == (Code.INVALID_ARGUMENT, "ModelSpec has no name specified.")
        assert models.summary() == "m/1, m/2, m/30"

    run(scenario, ModelConfig("m", tmp_path, Policy(latest=None), {"old": 1}))


def test_the_old_version_answers_until_the_new_one_is_loaded(tmp_path: Path) -> None:
    add(tmp_path, 1)
    loading, may_finish = threading.Event(), threading.Event()

    def load(path: Path) -> Fake:
        if path.name == "2":
            loading.set()
            assert may_finish.wait(20)
        return Fake(path)

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        old = models.find("m")
        add(tmp_path, 2)
        looking = asyncio.create_task(models.look())
        await asyncio.to_thread(loading.wait, 20)
        assert states(models) == {1: State.AVAILABLE, 2: State.LOADING}
        assert models.find("m") is old
        assert refusal(models, "m", 2)[0] is Code.NOT_FOUND
        may_finish.set()
        await looking
        assert states(models) == {1: State.END, 2: State.AVAILABLE}
        assert models.find("m").version == 2
        assert old.model.text == "version 1 closed"

    run(scenario, ModelConfig("m", tmp_path), load=load)


def test_a_request_that_found_a_version_is_answered_though_it_is_unloaded(tmp_path: Path) -> None:
    add(tmp_path, 1)

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        old = models.find("m")
        old.model.may_run.clear()
        future = old.batcher.submit(Signature("s", "", {}, {}), ("y",), [np.zeros(1)])
        add(tmp_path, 2)
        looking = asyncio.create_task(models.look())
        unfinished = (await asyncio.wait({looking}, timeout=0.2))[1]
        assert unfinished == {looking}
        assert states(models) == {1: State.UNLOADING, 2: State.AVAILABLE}
        assert models.find("m").version == 2
        old.model.may_run.set()
        assert (await future)[0].item() == "version 1"
        await looking
        assert states(models) == {1: State.END, 2: State.AVAILABLE}

    run(scenario, ModelConfig("m", tmp_path))


def test_rolling_back_loads_the_earlier_version_again(tmp_path: Path) -> None:
    add(tmp_path, 1)

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        add(tmp_path, 2)
        await models.look()
        remove(tmp_path, 2)
        await models.look()
        assert states(models) == {1: State.AVAILABLE, 2: State.END}
        assert models.find("m").model.text == "version 1"

    run(scenario, ModelConfig("m", tmp_path))


def test_the_last_version_stays_though_its_folder_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(tmp_path, 1)

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        remove(tmp_path, 1)
        await models.look()
        tmp_path.rmdir()
        await models.look()
        await models.look()
        assert models.find("m").version == 1

    run(scenario, ModelConfig("m", tmp_path))
    assert capsys.readouterr().err.splitlines() == [
        f"No versions of servable m found under base path {tmp_path}."
        " Did you forget to name your leaf directory as a number (eg. '/1/')?",
        f"Could not find base path {tmp_path} for servable m: No such file or directory",
    ]


def test_a_version_that_does_not_load_leaves_the_old_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(tmp_path, 1)

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        (tmp_path / "2").mkdir()
        await models.look()
        await models.look()
        assert states(models) == {1: State.AVAILABLE, 2: State.END}
        assert "No such file" in str(dict(models.status("m"))[2].error)
        (tmp_path / "2" / "model.txt").write_text("late")
        await models.look()
        assert states(models) == {1: State.END, 2: State.AVAILABLE}
        assert dict(models.status("m"))[2].error is None
        assert models.find("m").model.text == "late"

    run(scenario, ModelConfig("m", tmp_path))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"could not load m version 2 from {tmp_path / '2'}: ")


def test_loading_is_tried_again(tmp_path: Path) -> None:
    add(tmp_path, 1)
    attempts = []

    def load(path: Path) -> Fake:
        attempts.append(path.name)
        if len(attempts) < 3:
            raise OSError("not yet")
        return Fake(path)

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        assert states(models) == {1: State.AVAILABLE}

    run(scenario, ModelConfig("m", tmp_path), load=load, retries=2, retry_seconds=0)
    assert attempts == ["1"] * 3


def test_a_retry_waits_its_time(tmp_path: Path) -> None:
    add(tmp_path, 1)

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        (tmp_path / "2").mkdir()
        await models.look()
        await models.look()
        version = dict(models.status("m"))[2]
        assert (version.state, version.failures) == (State.LOADING, 1)
        remove(tmp_path, 2)
        await models.look()
        assert states(models) == {1: State.AVAILABLE, 2: State.END}

    run(scenario, ModelConfig("m", tmp_path), retries=1, retry_seconds=1000)


def test_start_waits_for_a_first_version(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def scenario(models: Models[Fake]) -> None:
        starting = asyncio.create_task(models.start())
        while "No versions" not in capsys.readouterr().err:
            await asyncio.sleep(0)
        add(tmp_path, 1)
        await starting
        assert models.summary() == "m/1"

    run(scenario, ModelConfig("m", tmp_path), poll_seconds=0.01)


@pytest.mark.parametrize("exists", [True, False])
def test_without_polling_there_is_nothing_to_wait_for(
    tmp_path: Path, exists: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "base"
    if exists:
        base.mkdir()

    async def scenario(models: Models[Fake]) -> None:
        with pytest.raises(StartError, match="no version of m to serve, and without polling none can come"):
            await models.start()

    run(scenario, ModelConfig("m", base))
    assert f"base path {base}" in capsys.readouterr().err


def test_start_fails_when_a_model_cannot_be_loaded(tmp_path: Path) -> None:
    add(tmp_path / "good", 1)
    (tmp_path / "bad" / "5").mkdir(parents=True)

    async def scenario(models: Models[Fake]) -> None:
        with pytest.raises(StartError) as caught:
            await models.start()
        text = str(caught.value)
        assert text.startswith(
            f"1 model(s) did not become available: {{{{name: bad version: 5}} from {tmp_path / 'bad'} due to error: "
        )
        assert "No such file" in text

    run(scenario, ModelConfig("good", tmp_path / "good"), ModelConfig("bad", tmp_path / "bad"))


@pytest.mark.parametrize("allowed", [False, True])
def test_labels_name_available_versions_only(tmp_path: Path, allowed: bool) -> None:
    add(tmp_path, 1)

    async def scenario(models: Models[Fake]) -> None:
        if not allowed:
            with pytest.raises(
                StartError, match="assign label to version 2 of model m, which is not currently available"
            ):
                await models.start()
            return
        await models.start()
        assert refusal(models, "m", label="next") == (
            Code.NOT_FOUND,
            "Servable not found for request: Specific(m, 2)",
        )

    run(
        scenario,
        ModelConfig("m", tmp_path, labels={"next": 2}),
        unavailable_labels=UnavailableLabels.NEW if allowed else UnavailableLabels.NONE,
    )
