"""Files that are there as a whole or not at all."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from serving.whole_file import check_writable, write_whole


def test_a_file_is_written_whole_and_nothing_else_stays(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("old")
    write_whole(file, "naïve")
    assert file.read_text(encoding="utf-8") == "naïve"
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(OSError, match="No such file"):
        write_whole(tmp_path / "none" / "report.html", "text")


def test_a_link_stays_one_and_what_it_names_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_text)
        check_writable(pipe)
        write_whole(pipe, "naïve")
        assert read.result(10) == "naïve"
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_what_could_not_be_written_is_known_before(tmp_path: Path) -> None:
    check_writable(tmp_path / "new")
    with pytest.raises(OSError, match="Is a directory"):
        check_writable(tmp_path)
    with pytest.raises(OSError, match="No such file or directory"):
        check_writable(tmp_path / "none" / "file")
