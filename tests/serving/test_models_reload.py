"""Another configuration for models that are being served."""

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest

from serving.server.errors import Code, StatusError
from serving.server.model_config import ModelConfig
from serving.server.models import Models, UnavailableLabels
from serving.server.served import State
from serving.server.signature import Signature
from serving.server.versions import Policy
from tests.serving.fake_models import Fake, add, refusal, run, states

ALL = Policy(latest=None)


class Gate:
    """Loads version 2 of anything only once it is opened."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def load(self, path: Path) -> Fake:
        if path.name == "2":
            self.reached.set()
            assert self.open.wait(20)
        return Fake(path)


def test_new_models_are_loaded_before_old_ones_go(tmp_path: Path) -> None:
    add(tmp_path / "old", 1)
    add(tmp_path / "new", 2)
    gate = Gate()

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        old = models.find("old")
        old.model.may_run.clear()
        waiting = old.batcher.submit(Signature("s", "", {}, {}), ("y",), [np.zeros(1)])
        reloading = asyncio.create_task(models.reload([ModelConfig("new", tmp_path / "new")]))
        await asyncio.to_thread(gate.reached.wait, 20)
        assert models.find("old") is old
        assert refusal(models, "new")[0] is Code.NOT_FOUND
        gate.open.set()
        while "new" not in models.configs:
            await asyncio.sleep(0)
        assert models.find("new").version == 2
        assert refusal(models, "old")[0] is Code.NOT_FOUND
        await asyncio.sleep(0.05)
        assert states(models, "old") == {1: State.UNLOADING}
        old.model.may_run.set()
        assert (await waiting)[0].item() == "version 1"
        await reloading
        assert states(models, "old") == {1: State.END}
        assert old.model.text == "version 1 closed"

    run(scenario, ModelConfig("old", tmp_path / "old"), load=gate.load)


def test_a_caller_that_gives_up_does_not_stop_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(tmp_path, 1)
    add(tmp_path, 2)
    gate = Gate()

    config = ModelConfig("m", tmp_path, Policy(specific=frozenset({1})))

    async def give_up(models: Models[Fake], label: int) -> None:
        gate.reached.clear()
        gate.open.clear()
        calling = asyncio.create_task(models.reload([ModelConfig("m", tmp_path, labels={"a": label})]))
        await asyncio.to_thread(gate.reached.wait, 20)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        gate.open.set()

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        await give_up(models, 3)
        await models.reload([config])  # its turn comes after the other's
        assert models.find("m").version == 1
        await give_up(models, 2)
        async with asyncio.timeout(20):
            while models.find("m").version != 2:
                await asyncio.sleep(0.01)
        assert models.find("m", label="a").version == 2

    run(scenario, config, load=gate.load)
    assert capsys.readouterr().err == (
        "ReloadConfig failed: FAILED_PRECONDITION: Request to assign label to version 3 of model m,"
        " which is not currently available for inference\n"
    )


def test_the_later_of_two_is_the_last(tmp_path: Path) -> None:
    for name, version in (("m", 1), ("slow", 2), ("fast", 1)):
        add(tmp_path / name, version)
    gate = Gate()

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        slow = asyncio.create_task(models.reload([ModelConfig("slow", tmp_path / "slow")]))
        await asyncio.to_thread(gate.reached.wait, 20)
        fast = asyncio.create_task(models.reload([ModelConfig("fast", tmp_path / "fast")]))
        await asyncio.sleep(0.05)
        gate.open.set()
        await asyncio.gather(slow, fast)
        assert models.summary() == "fast/1"

    run(scenario, ModelConfig("m", tmp_path / "m"), load=gate.load, load_threads=2)


def test_a_look_that_is_going_on_ends_first(tmp_path: Path) -> None:
    add(tmp_path, 1)
    gate = Gate()

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        add(tmp_path, 2)
        looking = asyncio.create_task(models.look())
        await asyncio.to_thread(gate.reached.wait, 20)
        reloading = asyncio.create_task(models.reload([ModelConfig("m", tmp_path, Policy(specific=frozenset({1})))]))
        await asyncio.sleep(0.05)
        gate.open.set()
        await asyncio.gather(looking, reloading)
        assert states(models) == {1: State.AVAILABLE, 2: State.END}

    run(scenario, ModelConfig("m", tmp_path), load=gate.load)


def test_closing_does_not_wait_for_a_model_that_is_tried_again(tmp_path: Path) -> None:
    add(tmp_path / "m", 1)
    (tmp_path / "broken" / "1").mkdir(parents=True)

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        served = models.find("m")
        reloading = asyncio.create_task(models.reload([ModelConfig("broken", tmp_path / "broken")]))
        await asyncio.sleep(0.1)
        add(tmp_path / "m", 2)
        await models.look()  # nor do the others
        assert models.find("m").version == 2
        await models.close()
        with pytest.raises(asyncio.CancelledError):
            await reloading
        assert served.model.text == "version 1 closed"

    run(scenario, ModelConfig("m", tmp_path / "m"), retries=5, retry_seconds=1000)


def test_loading_is_tried_again(tmp_path: Path) -> None:
    add(tmp_path / "m", 1)
    add(tmp_path / "shaky", 1)
    attempts = []

    def load(path: Path) -> Fake:
        if path.parent.name == "shaky":
            attempts.append(path)
            if len(attempts) < 3:
                raise OSError("not yet")
        return Fake(path)

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        await models.reload([ModelConfig("shaky", tmp_path / "shaky")])
        assert models.summary() == "shaky/1"

    run(scenario, ModelConfig("m", tmp_path / "m"), load=load, retries=2, retry_seconds=0)
    assert len(attempts) == 3


def test_a_new_model_without_a_version_is_refused_and_the_rest_unloaded(tmp_path: Path) -> None:
    add(tmp_path / "m", 1)
    add(tmp_path / "good", 4)
    (tmp_path / "empty").mkdir()
    loaded: list[Fake] = []

    def load(path: Path) -> Fake:
        loaded.append(Fake(path))
        return loaded[-1]

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        with pytest.raises(StatusError) as caught:
            await models.reload([ModelConfig(name, tmp_path / name) for name in ("m", "good", "empty")])
        assert caught.value.code is Code.UNKNOWN
        assert caught.value.message.startswith(
            f"1 model(s) did not become available: {{{{name: empty}} from {tmp_path / 'empty'} due to error:"
            " NOT_FOUND: No versions of servable empty found under base path"
        )
        assert models.summary() == "m/1"
        assert [fake.text for fake in loaded] == ["version 1", "version 4 closed"]

    run(scenario, ModelConfig("m", tmp_path / "m"), load=load)


def test_versions_that_were_loaded_in_vain_are_unloaded(tmp_path: Path) -> None:
    add(tmp_path, 1)
    add(tmp_path, 2)

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        with pytest.raises(StatusError, match="FAILED_PRECONDITION"):
            await models.reload([ModelConfig("m", tmp_path, ALL, {"a": 3})])
        assert states(models) == {1: State.END, 2: State.AVAILABLE}

    run(scenario, ModelConfig("m", tmp_path))


async def loaded_beside(gate: Gate, version: str) -> None:
    """Until `version` of a model is loaded and ready to run, while another one waits at the gate."""
    await asyncio.to_thread(gate.reached.wait, 20)
    async with asyncio.timeout(20):
        while f"batcher {version}" not in {thread.name for thread in threading.enumerate()}:
            await asyncio.sleep(0.005)


def test_versions_of_a_refused_configuration_never_answer(tmp_path: Path) -> None:
    add(tmp_path / "pinned", 1)
    add(tmp_path / "pinned", 2)
    add(tmp_path / "slow", 1)
    add(tmp_path / "slow", 2)
    gate = Gate()
    gate.open.set()
    loaded: list[Fake] = []

    def load(path: Path) -> Fake:
        loaded.append(gate.load(path) if path.parent.name == "slow" else Fake(path))
        return loaded[-1]

    configs = [ModelConfig(name, tmp_path / name, Policy(specific=frozenset({1}))) for name in ("pinned", "slow")]

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        gate.open.clear()
        both = Policy(specific=frozenset({1, 2}))
        refused = [
            ModelConfig("pinned", tmp_path / "pinned", both),
            ModelConfig("slow", tmp_path / "slow", ALL, {"a": 3}),
        ]
        reloading = asyncio.create_task(models.reload(refused))
        await loaded_beside(gate, "pinned/2")
        assert [fake.text for fake in loaded] == ["version 1", "version 1", "version 2"]
        assert models.find("pinned").version == 1
        assert refusal(models, "pinned", 2)[0] is Code.NOT_FOUND
        assert states(models, "pinned").get(2) is not State.AVAILABLE
        assert models.summary() == "pinned/1, slow/1"
        gate.open.set()
        while not reloading.done():
            assert models.find("pinned").version == 1
            assert models.find("slow").version == 1
            await asyncio.sleep(0)
        with pytest.raises(StatusError, match="FAILED_PRECONDITION"):
            await reloading
        assert states(models, "pinned") == {1: State.AVAILABLE, 2: State.END}
        assert sorted(fake.text for fake in loaded) == [
            "version 1",
            "version 1",
            "version 2 closed",
            "version 2 closed",
        ]
        assert models.find("pinned").version == 1

    run(scenario, *configs, load=load, load_threads=2)


def test_all_models_change_at_one_moment(tmp_path: Path) -> None:
    for name in ("pinned", "slow"):
        add(tmp_path / name, 1)
        add(tmp_path / name, 2)
    gate = Gate()

    def load(path: Path) -> Fake:
        return gate.load(path) if path.parent.name == "slow" else Fake(path)

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        coming = [
            ModelConfig("pinned", tmp_path / "pinned", ALL, {"newest": 2}),
            ModelConfig("slow", tmp_path / "slow", ALL),
        ]
        reloading = asyncio.create_task(models.reload(coming))
        await loaded_beside(gate, "pinned/2")
        assert models.find("pinned").version == 1
        assert refusal(models, "pinned", label="newest")[0] is Code.INVALID_ARGUMENT
        gate.open.set()
        while models.find("pinned").version == 1:
            assert models.find("slow").version == 1
            await asyncio.sleep(0)
        assert models.find("pinned", label="newest").version == 2
        assert models.find("slow").version == 2
        await reloading
        assert models.summary() == "pinned/1, pinned/2, slow/1, slow/2"

    configs = [ModelConfig(name, tmp_path / name, Policy(specific=frozenset({1}))) for name in ("pinned", "slow")]
    run(scenario, *configs, load=load, load_threads=2)


@pytest.mark.parametrize(
    ("unavailable", "now", "then", "allowed"),
    [
        (UnavailableLabels.NONE, {}, {"a": 1}, True),
        (UnavailableLabels.NONE, {}, {"a": 3}, False),
        (UnavailableLabels.NONE, {"a": 1}, {"a": 3}, False),
        (UnavailableLabels.NEW, {}, {"a": 3}, True),
        (UnavailableLabels.NEW, {"a": 3}, {"a": 3}, True),
        (UnavailableLabels.NEW, {"a": 1}, {"a": 3}, False),
        (UnavailableLabels.NEW, {"a": 1}, {"a": 1, "b": 3}, True),
        (UnavailableLabels.ANY, {"a": 1}, {"a": 3}, True),
    ],
)
def test_labels(
    tmp_path: Path, unavailable: UnavailableLabels, now: dict[str, int], then: dict[str, int], allowed: bool
) -> None:
    add(tmp_path, 1)
    add(tmp_path, 2)

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        coming = ModelConfig("m", tmp_path, ALL, then)
        if allowed:
            await models.reload([coming])
            assert models.configs == {"m": coming}
            return
        with pytest.raises(StatusError, match="FAILED_PRECONDITION: Request to assign label to version 3 of model m"):
            await models.reload([coming])
        assert models.configs["m"].labels == now

    run(scenario, ModelConfig("m", tmp_path, ALL, now), unavailable_labels=unavailable)


def meet(barrier: threading.Barrier, threads: int) -> None:
    """Two loads find each other at the barrier where there are two threads, and where there is one they do not."""
    if threads == 2:
        barrier.wait(20)
        return
    with pytest.raises(threading.BrokenBarrierError):
        barrier.wait(0.1)
    barrier.reset()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("reloaded", [False, True])
def test_versions_of_a_model_load_side_by_side_where_asked_for(tmp_path: Path, threads: int, reloaded: bool) -> None:
    for version in (1, 2, 3):
        add(tmp_path, version)
    barrier, order = threading.Barrier(2), list[str]()

    def load(path: Path) -> Fake:
        order.append(path.name)
        if path.name != "1":
            meet(barrier, threads)
        return Fake(path)

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        if reloaded:
            assert models.summary() == "m/1"
            await models.reload([ModelConfig("m", tmp_path, ALL)])
        assert models.summary() == "m/1, m/2, m/3"

    first = Policy(specific=frozenset({1})) if reloaded else ALL
    run(scenario, ModelConfig("m", tmp_path, first), load=load, load_threads=threads)
    order.remove("1")
    assert threads == 2 or order == ["3", "2"]


@pytest.mark.parametrize("threads", [1, 2])
def test_models_load_side_by_side_where_asked_for(tmp_path: Path, threads: int) -> None:
    for name in ("a", "b"):
        add(tmp_path / name, 1)
    barrier = threading.Barrier(2)

    def load(path: Path) -> Fake:
        meet(barrier, threads)
        return Fake(path)

    async def scenario(models: Models[Fake]) -> None:
        await models.start()
        assert models.summary() == "a/1, b/1"

    run(scenario, *(ModelConfig(name, tmp_path / name) for name in ("a", "b")), load=load, load_threads=threads)
