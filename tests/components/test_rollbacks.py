"""Rolling back under a base path: what becomes the newest version, what is written down, and what a kill leaves."""

import shutil
from pathlib import Path

import pytest

from components import rollbacks as module
from components.errors import UserError
from components.rollbacks import FILE, original, read_rollbacks, roll_back, withdrawn_versions
from components.versions import pushed_versions


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Versions 3, 5 and 8, each with its number as content."""
    for version in ("3", "5", "8"):
        (tmp_path / version / "variables").mkdir(parents=True)
        (tmp_path / version / "variables" / "index").write_text(version)
    return tmp_path


def content(base: Path, version: int) -> str:
    return (base / str(version) / "variables" / "index").read_text()


def test_a_copy_with_a_new_number_becomes_the_newest(base: Path) -> None:
    done = roll_back(base, 5)
    assert pushed_versions(base) == [3, 5, 8, done.version]
    assert content(base, done.version) == "5"
    assert (done.source, done.replaced, done.done) == (5, 8, True)
    assert read_rollbacks(base) == [done]
    assert sorted(path.name for path in base.iterdir() if not path.name.isdecimal()) == [FILE]


def test_what_is_rolled_back_from_is_withdrawn_until_it_is_wanted_again(base: Path) -> None:
    assert withdrawn_versions(read_rollbacks(base)) == set()
    first = roll_back(base, 5)
    assert withdrawn_versions(read_rollbacks(base)) == {8}
    second = roll_back(base, 3)
    known = read_rollbacks(base)
    assert withdrawn_versions(known) == {8, 5}
    assert [original(version, known) for version in (8, first.version, second.version)] == [8, 5, 3]
    third = roll_back(base, 8)
    known = read_rollbacks(base)
    assert withdrawn_versions(known) == {5}  # going forward says nothing against 3
    assert content(base, third.version) == "8"


def test_a_copy_can_be_rolled_back_to(base: Path) -> None:
    first = roll_back(base, 3)
    roll_back(base, 8)
    third = roll_back(base, first.version)
    known = read_rollbacks(base)
    assert original(third.version, known) == 3
    assert withdrawn_versions(known) == {8}


@pytest.mark.parametrize("appeared", [False, True])
def test_a_kill_leaves_no_lie(base: Path, monkeypatch: pytest.MonkeyPatch, *, appeared: bool) -> None:
    """Killed before the version has appeared there was no rollback; killed right after it there was one."""
    publish = module.publish

    def killed(*arguments: object) -> None:
        if appeared:
            publish(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "publish", killed)
        with pytest.raises(KeyboardInterrupt):
            roll_back(base, 3)
    assert len(read_rollbacks(base)) == int(appeared)
    assert withdrawn_versions(read_rollbacks(base)) == ({8} if appeared else set())
    roll_back(base, 5)
    assert len(read_rollbacks(base)) == 1 + int(appeared)


def test_the_record_outlives_versions_that_are_cleared_away(base: Path) -> None:
    done = roll_back(base, 3)
    roll_back(base, 5)
    shutil.rmtree(base / str(done.version))
    assert [rollback.source for rollback in read_rollbacks(base)] == [3, 5]


def test_a_record_that_cannot_be_read(base: Path) -> None:
    (base / FILE).write_text("[{")
    with pytest.raises(UserError, match=rf"{FILE}: the record of rollbacks cannot be read: "):
        read_rollbacks(base)
