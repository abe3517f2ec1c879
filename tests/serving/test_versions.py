"""Version folders and policies."""

from pathlib import Path

import pytest

from serving.server import versions
from serving.server.versions import Policy


def test_folders_named_by_numbers_are_versions(tmp_path: Path) -> None:
    for name in ("1", "0012", "3.5", "-4", "next", "v7", "９", ".tmp-2", "9223372036854775808", "9223372036854775807"):
        (tmp_path / name).mkdir()
    (tmp_path / "8").write_text("a file")
    found = versions.find(tmp_path)
    assert {number: folder.path.name for number, folder in found.items()} == {
        1: "1",
        12: "0012",
        9223372036854775807: "9223372036854775807",
    }


def test_one_of_two_names_for_a_version_is_taken(tmp_path: Path) -> None:
    (tmp_path / "5").mkdir()
    (tmp_path / "005").mkdir()
    assert [folder.path.name for folder in versions.find(tmp_path).values()] == ["005"]


def test_the_stamp_tells_that_files_came(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    before = versions.find(tmp_path)[1].stamp
    (tmp_path / "1" / "saved_model.pb").touch()
    assert versions.find(tmp_path)[1].stamp > before


def test_a_base_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        versions.find(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Policy(), [11]),
        (Policy(latest=2), [11, 9]),
        (Policy(latest=9), [11, 9, 2]),
        (Policy(latest=None), [11, 9, 2]),
        (Policy(specific=frozenset({2, 9, 4})), [9, 2]),
        (Policy(specific=frozenset({4})), []),
    ],
)
def test_policies(policy: Policy, expected: list[int]) -> None:
    assert policy.pick({9, 2, 11}) == expected
