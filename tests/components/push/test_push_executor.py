import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from tfx.proto import pusher_pb2
from tfx.types import Artifact, standard_artifacts
from tfx.types import standard_component_specs as specs

from components import publish
from components.push.executor import UNCHANGED, WITHDRAWN, Executor
from components.rollbacks import roll_back
from components.versions import pushed_versions

type Push = Callable[..., Artifact]

NAMES = ("saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001", "assets/tokens")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "serving" / "faq"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A Model artifact's folder with a model in it."""
    folder = tmp_path / "artifact" / "Format-Serving"
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"first {name}", encoding="utf-8")
    return folder


@pytest.fixture
def push(model: Path, base: Path, tmp_path: Path) -> Push:
    """Run the executor with the blessings given: 1, 0, "unsaid" or none at all; gives the PushedModel."""

    def blessing(artifact: Artifact, said: int | str | None) -> list[Artifact]:
        if isinstance(said, int):
            artifact.set_int_custom_property("blessed", said)
        return [artifact] if said is not None else []

    def run(judged: int | str | None = 1, serves: int | str | None = 1, **properties: str) -> Artifact:
        trained, pushed = standard_artifacts.Model(), standard_artifacts.PushedModel()
        trained.uri, pushed.uri = str(model.parent), str(tmp_path / "pushed")
        inputs = {
            specs.MODEL_KEY: [trained],
            specs.MODEL_BLESSING_KEY: blessing(standard_artifacts.ModelBlessing(), judged),
            specs.INFRA_BLESSING_KEY: blessing(standard_artifacts.InfraBlessing(), serves),
        }
        destination = pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(base))
        )
        Executor().Do(
            {key: artifacts for key, artifacts in inputs.items() if artifacts},
            {specs.PUSHED_MODEL_KEY: [pushed]},
            {specs.PUSH_DESTINATION_KEY: json_format.MessageToJson(destination), **properties},
        )
        return pushed

    return run


def content(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("judged", [1, 0])
def test_what_came_of_a_named_run_carries_its_name(push: Push, judged: int) -> None:
    assert push(judged, run_name="nightly").get_string_custom_property("run_name") == "nightly"
    assert not push(judged, run_name="").has_custom_property("run_name")
    assert not push(judged).has_custom_property("run_name")


def test_a_blessed_model_becomes_a_version(push: Push, base: Path, model: Path, tmp_path: Path) -> None:
    before = int(time.time())
    pushed = push()
    (version,) = pushed_versions(base)
    assert before <= version <= time.time()
    assert content(base / str(version)) == content(model) == content(tmp_path / "pushed")
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_version") == str(version)
    assert pushed.get_string_custom_property("pushed_destination") == str(base / str(version))
    assert [entry.name for entry in base.iterdir()] == [str(version)]


@pytest.mark.parametrize(
    ("judged", "serves"), [(0, 1), (1, 0), (0, 0), (None, 1), (1, None), (None, None), ("unsaid", 1), (1, "unsaid")]
)
def test_without_both_blessings_nothing_is_pushed(push: Push, base: Path, judged: Any, serves: Any) -> None:
    pushed = push(judged, serves)
    assert pushed.get_int_custom_property("pushed") == 0
    assert not pushed.get_string_custom_property("pushed_version")
    assert not pushed.get_string_custom_property(UNCHANGED)
    assert not base.exists()


def test_the_version_is_always_larger_than_the_newest(push: Push, base: Path) -> None:
    ahead = int(time.time()) + 10_000
    (base / str(ahead)).mkdir(parents=True)
    assert push().get_string_custom_property("pushed_version") == str(ahead + 1)
    assert pushed_versions(base) == [ahead, ahead + 1]


def test_the_model_in_production_is_not_pushed_again(push: Push, base: Path) -> None:
    first = push().get_string_custom_property("pushed_version")
    again = push()
    assert again.get_int_custom_property("pushed") == 0
    assert again.get_string_custom_property(UNCHANGED) == first
    assert not again.get_string_custom_property("pushed_version")
    assert pushed_versions(base) == [int(first)]


@pytest.mark.parametrize("change", ["content of the same length and time", "one more file", "one file less"])
def test_a_model_that_differs_at_all_is_pushed(push: Push, base: Path, model: Path, change: str) -> None:
    first = push().get_string_custom_property("pushed_version")
    if change == "one more file":
        (model / "fingerprint.pb").touch()
    elif change == "one file less":
        (model / NAMES[-1]).unlink()
    else:
        before = (model / NAMES[1]).stat()
        (model / NAMES[1]).write_text(f"other {NAMES[1]}", encoding="utf-8")
        os.utime(model / NAMES[1], ns=(before.st_atime_ns, before.st_mtime_ns))
    second = push().get_string_custom_property("pushed_version")
    assert pushed_versions(base) == [int(first), int(second)]
    assert content(base / second) == content(model)


def test_a_model_that_was_in_production_before_is_pushed_again(push: Push, base: Path, model: Path) -> None:
    old = content(model)
    push()
    (model / NAMES[0]).write_text("new", encoding="utf-8")
    push()
    (model / NAMES[0]).write_text(old[NAMES[0]], encoding="utf-8")
    third = push().get_string_custom_property("pushed_version")
    assert len(pushed_versions(base)) == 3
    assert content(base / third) == old


def test_a_push_that_stops_midway_leaves_no_version_and_the_next_one_tidies_up(
    push: Push, base: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copytree = shutil.copytree

    def stop_midway(source: Path, target: Path, **_: Any) -> None:
        copytree(source / "variables", Path(target) / "variables")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copytree", stop_midway)
        with pytest.raises(KeyboardInterrupt):
            push()
    (left,) = base.iterdir()
    assert (left / "variables").exists()
    assert left.name.startswith(".")
    assert pushed_versions(base) == []

    (left / "variables" / "of-another-model").touch()
    version = push().get_string_custom_property("pushed_version")
    assert [entry.name for entry in base.iterdir()] == [version]
    assert content(base / version) == content(model)


def test_every_file_is_on_the_disk_before_the_version_appears(
    push: Push, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []
    to_disk = publish._to_disk

    def note(path: Path) -> None:
        synced.append((path.name, bool(pushed_versions(base))))
        to_disk(path)

    monkeypatch.setattr(publish, "_to_disk", note)
    push()
    *before, last = synced
    assert last == (base.name, True)
    assert sorted(before) == sorted(
        (name, False) for name in (".incoming", "variables", "assets", *(Path(name).name for name in NAMES))
    )


def test_a_model_that_was_rolled_back_does_not_come_back_by_itself(push: Push, base: Path, model: Path) -> None:
    good = content(model)
    push()
    (model / NAMES[0]).write_text("bad", encoding="utf-8")
    bad = push().get_string_custom_property("pushed_version")
    back = roll_back(base, pushed_versions(base)[0])
    again = push()
    assert again.get_int_custom_property("pushed") == 0
    assert again.get_string_custom_property(WITHDRAWN) == bad
    assert pushed_versions(base)[-1] == back.version

    (model / NAMES[0]).write_text("better", encoding="utf-8")
    assert push().get_string_custom_property("pushed_version") == str(pushed_versions(base)[-1])
    assert content(base / str(back.version)) == good


def test_a_version_that_was_rolled_back_may_be_cleared_away(push: Push, base: Path, model: Path) -> None:
    push()
    (model / NAMES[0]).write_text("bad", encoding="utf-8")
    bad = push().get_string_custom_property("pushed_version")
    roll_back(base, pushed_versions(base)[0])
    shutil.rmtree(base / bad)
    assert push().get_int_custom_property("pushed") == 1
