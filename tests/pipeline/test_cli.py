import subprocess
import sys
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from pipeline import cli
from pipeline.cli import COMMANDS, add_commands

LOADED = """
import sys
sys.argv = ["anchorline", "--help"]
from pipeline.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 0
heavy = {"tensorflow", "keras", "tfx", "kfp", "apache_beam", "numpy", "sklearn"} & set(sys.modules)
assert not heavy, heavy
"""


def test_help_loads_nothing_heavy() -> None:
    result = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    for command in (
        "run",
        "ask",
        "classify",
        "similar",
        "report",
        "serve",
        "runs",
        "data",
        "tune",
        "schedule",
        "rollback",
        "kubeflow",
    ):
        assert f" {command} " in result.stdout


def test_packages_add_commands_by_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    group = typer.Typer()

    @group.command()
    def inner() -> None:
        print("inner ran")

    def single(name: str) -> None:
        print(f"single ran for {name}")

    points = [EntryPoint("grouped", "theirs:group", COMMANDS), EntryPoint("single", "theirs:single", COMMANDS)]
    monkeypatch.setitem(sys.modules, "theirs", SimpleNamespace(group=group, single=single))
    monkeypatch.setattr("pipeline.cli.app", typer.Typer())
    monkeypatch.setattr("pipeline.cli.entry_points", lambda group: points if group == COMMANDS else [])
    add_commands()
    runner = CliRunner()
    assert runner.invoke(cli.app, ["single", "faq"]).output == "single ran for faq\n"
    assert runner.invoke(cli.app, ["grouped", "inner"]).output == "inner ran\n"
