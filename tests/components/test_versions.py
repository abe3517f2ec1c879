from pathlib import Path

import pytest

from components.versions import newest_version, pushed_versions


def test_versions_are_folders_named_by_a_number(tmp_path: Path) -> None:
    for name in ("9", "10", "1700000000", "0", ".incoming", "12.tmp", "v3", "-4", "007", "１２", "²"):
        (tmp_path / name).mkdir()
    (tmp_path / "99").touch()
    assert pushed_versions(tmp_path) == [0, 9, 10, 1_700_000_000]
    assert newest_version(str(tmp_path)) == 1_700_000_000


@pytest.mark.parametrize("made", [True, False])
def test_an_empty_or_missing_folder_has_no_version(tmp_path: Path, made: bool) -> None:
    base = tmp_path / "base"
    if made:
        base.mkdir()
    assert pushed_versions(base) == []
    assert newest_version(base) is None
