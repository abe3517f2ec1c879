"""The units that are printed are what systemd reads, and their command does what it says."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.schedule.cron import parse_cron
from pipeline.schedule.systemd import units
from tests.end_to_end.command_line import anchorline

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")


def unit_files(printed: str) -> dict[str, str]:
    """Text by file name, as someone would copy it."""
    parts = re.split(r"^# \S*/(anchorline-\S+)\n", printed, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def verify(folder: Path, printed: str) -> None:
    for name, text in unit_files(printed).items():
        (folder / name).write_text(text, encoding="utf-8")
    environment = os.environ | {"SYSTEMD_UNIT_PATH": f"{folder}:", "XDG_RUNTIME_DIR": str(folder)}
    names = [str(folder / name) for name in unit_files(printed)]
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", *names],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_systemd_takes_both_files(tmp_path: Path) -> None:
    words = ["/bin/true", "a b", 'c"d', "50%", "$HOME", "back\\slash", "it's"]
    folder = tmp_path / "100 %"
    folder.mkdir()
    verify(tmp_path, units("faq", words, folder, parse_cron("0 3 13 * 5"), "Europe/Stockholm"))


def test_both_ways_to_be_due_are_in_the_timer(tmp_path: Path) -> None:
    timer = unit_files(units("faq", ["/bin/true"], tmp_path, parse_cron("0 3 13 * 5"), "UTC"))["anchorline-faq.timer"]
    assert re.findall("OnCalendar=(.*)", timer) == ["*-*-13 03:00:00 UTC", "Fri *-*-* 03:00:00 UTC"]
    assert "\nPersistent=true\n" in timer


def test_words_mean_themselves(tmp_path: Path) -> None:
    words = ["/bin/x", "a b", "50%", "$HOME", "back\\slash", 'q"', ""]
    service = unit_files(units("faq", words, tmp_path, parse_cron("@daily"), None))["anchorline-faq.service"]
    assert r'ExecStart=/bin/x "a b" "50%%" "$$HOME" "back\\slash" "q\"" ""' in service


def test_the_command_of_the_service_is_one_run(tmp_path: Path) -> None:
    config = tmp_path / "small.yaml"
    config.write_text("name: small\ndata: {path: none.csv}\n", encoding="utf-8")
    options = ["--cron", "30 4 * * 1-5", "--timezone", "Asia/Tokyo", "--set", "seed=3"]
    printed = anchorline("schedule", config, *options, "--systemd")
    assert printed.returncode == 0, printed.stderr
    files = unit_files(printed.stdout)
    assert "OnCalendar=Mon,Tue,Wed,Thu,Fri *-*-* 04:30:00 Asia/Tokyo\n" in files["anchorline-small.timer"]
    (command,) = re.findall("ExecStart=(.*)", files["anchorline-small.service"])
    words = command.split()
    assert Path(words[0]).is_absolute()
    assert words[-5:] == ["schedule", str(config), "--once", "--set", "seed=3"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 1
    assert "There is no file" in done.stdout
    if shutil.which("systemd-analyze"):
        verify(tmp_path, printed.stdout)
