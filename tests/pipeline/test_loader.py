"""Data that a Python file writes: when it runs, what it leaves behind, and what is said where it fails."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

from components.errors import UserError
from components.ingest.settings import LabelData
from pipeline.loader import load_data

GOOD = """
from pathlib import Path

HERE = Path(__file__).parent


def load(folder):
    (folder / "cat").mkdir()
    (folder / "cat" / "1.txt").write_text((HERE / "source").read_text())
"""


def load(folder: Path, code: str | None, *, name: str = "write.py") -> Path:
    """Loads `folder/deep/data` with this code; returns its path."""
    (folder / "source").write_text("purr")
    if code is not None:
        (folder / name).write_text(code)
    path = folder / "deep/data"
    data = LabelData(path=str(path), loader=str(folder / name), format="texts")
    load_data(data, Console(file=io.StringIO()))
    return path


def failure(folder: Path, code: str | None) -> str:
    with pytest.raises(UserError) as caught:
        load(folder, code)
    assert not list((folder / "deep").iterdir())
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["write.py", "write", "write.loader"])
def test_what_the_loader_writes_is_the_data_and_nothing_else_is_left(tmp_path: Path, name: str) -> None:
    path = load(tmp_path, GOOD, name=name)
    assert (path / "cat/1.txt").read_text() == "purr"
    assert [entry.name for entry in path.parent.iterdir()] == ["data"]


def test_a_loader_is_called_only_where_the_data_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "deep/data").mkdir(parents=True)
    path = load(tmp_path, "raise RuntimeError('called')")
    assert list(path.iterdir()) == []


def test_without_a_loader_nothing_happens(tmp_path: Path) -> None:
    load_data(LabelData(path=str(tmp_path / "data")), Console(file=io.StringIO()))
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_loader_left_behind_is_not_taken_for_data(tmp_path: Path) -> None:
    (tmp_path / "deep/.data.incoming/dog").mkdir(parents=True)
    path = load(tmp_path, GOOD)
    assert [entry.name for entry in path.iterdir()] == ["cat"]
    assert [entry.name for entry in path.parent.iterdir()] == ["data"]


def test_no_such_file(tmp_path: Path) -> None:
    assert failure(tmp_path, None) == f"{tmp_path}/write.py: there is no such file (data.loader)"


@pytest.mark.parametrize("code", ["", "load = 5\n", "def lode(folder): ...\n"])
def test_a_file_without_the_function(tmp_path: Path, code: str) -> None:
    assert failure(tmp_path, code) == f"{tmp_path}/write.py (data.loader) has no function load(folder)"


@pytest.mark.parametrize("code", ["def load(folder): ...\n", "def load(folder): folder.rmdir()\n"])
def test_a_loader_that_writes_nothing(tmp_path: Path, code: str) -> None:
    expected = f"{tmp_path}/write.py (data.loader) wrote nothing into the folder that it was given"
    assert failure(tmp_path, code) == expected


@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("import json\n\ndef load(folder):\n    json.loads('{')\n", "line 4: JSONDecodeError: Expecting property name"),
        ("def load(folder):\n    (folder / 'half').touch()\n    assert 1 > 2\n", "line 3: AssertionError: "),
        ("import no_such_module\n", "line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("def load(folder):\n    return )\n", "line 2: SyntaxError: unmatched ')' (write.py, line 2)"),
        ("def load():\n    ...\n", ": TypeError: load() takes 0 positional arguments but 1 was given"),
    ],
)
def test_a_loader_that_fails_is_told_with_its_own_line_and_leaves_nothing(tmp_path: Path, code: str, end: str) -> None:
    text = failure(tmp_path, code)
    assert text.startswith(f"{tmp_path}/write.py (data.loader) failed")
    assert end in text


def test_an_error_meant_for_the_user_is_passed_on_as_it_is(tmp_path: Path) -> None:
    code = "from components.errors import UserError\n\ndef load(folder):\n    raise UserError('Log in first.')\n"
    assert failure(tmp_path, code) == "Log in first."


def test_who_wants_the_same_data_waits_for_it(tmp_path: Path) -> None:
    once = "def load(folder):\n    (HERE / 'called').mkdir()\n    sleep(0.2)"
    code = "from time import sleep\n" + GOOD.replace("def load(folder):", once)
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda number: load(tmp_path, code, name=f"write{number}.py"), range(4)))
    assert {path.name for path in paths[0].parent.iterdir()} == {"data"}
    assert (paths[0] / "cat/1.txt").read_text() == "purr"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "deep").write_text("a file")
    with pytest.raises(UserError, match=r"deep/data \(data\.path\): cannot be written: "):
        load(tmp_path, GOOD)
