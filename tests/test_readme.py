"""What the README says must be so."""

import re
from pathlib import Path

import pytest
import typer

from pipeline.cli import add_commands, app
from pipeline.config_table import config_table

ROOT = Path(__file__).parents[1]
add_commands()
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_keys_is_the_one_of_the_settings() -> None:
    table = README.partition("<!-- config table -->")[2].partition("<!-- end of config table -->")[0]
    assert table.strip() == config_table(), "paste what `./dev python -m pipeline.config_table` prints"


@pytest.mark.parametrize("command", sorted(set(re.findall(r"anchorline ([a-z]+) ", README))))
def test_commands_exist(command: str) -> None:
    assert command in typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE))))
def test_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\b(?:examples|benchmarks)/(?!out/)[\w./-]+\w", README))))
def test_paths_exist(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m ([\w.]+)", README))))
def test_modules_exist(module: str) -> None:
    assert (ROOT / f"{module.replace('.', '/')}.py").exists()
