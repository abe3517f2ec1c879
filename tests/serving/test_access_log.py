"""The access log by itself: nothing is lost on closing, and a full queue is told."""

import json
from pathlib import Path

import pytest

from serving.server import access_log
from serving.server.access_log import AccessLog, AccessLogError
from serving.server.request_record import RequestRecord


def numbered(number: int) -> RequestRecord:
    return RequestRecord("REST", "predict", str(number), model="m")


def test_all_lines_in_order_and_none_lost_on_closing(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text('{"id": "old"}\n')
    log = AccessLog(str(path))
    for number in range(500):
        log.write(numbered(number), 0.25)
    log.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["id"] for line in lines] == ["old", *map(str, range(500))]
    assert lines[1]["milliseconds"] == 250
    assert "signature" not in lines[1]


def test_a_log_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    log = AccessLog(str(path))
    path.rename(tmp_path / "access.log.1")
    log.write(numbered(1), 0.1)
    log.close()
    assert json.loads(path.read_text())["id"] == "1"


def test_what_is_too_much_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "_MAX_WAITING", 2)
    monkeypatch.setattr(access_log, "_WRITE_SECONDS", 60)
    path = tmp_path / "access.log"
    log = AccessLog(str(path))
    for number in range(5):
        log.write(numbered(number), 0.1)
    log.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line.get("id") for line in lines] == ["0", "1", None]
    assert lines[2]["left_out"] == 3


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(AccessLogError, match=r"--access_log=.*: No such file or directory"):
        AccessLog(str(tmp_path / "none" / "access.log"))
