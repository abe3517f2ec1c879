"""Files that are there as a whole or not at all."""

from pathlib import Path

import pytest

from serving.whole_file import write_whole


def test_a_file_is_written_whole_and_nothing_else_stays(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("old")
    write_whole(file, "naïve")
    assert file.read_text(encoding="utf-8") == "naïve"
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(OSError, match="No such file"):
        write_whole(tmp_path / "none" / "report.html", "text")
