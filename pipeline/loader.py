"""Data that a Python file beside the configuration writes where it is not there yet."""

import importlib.util
import shutil
import traceback
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from components.errors import UserError
from components.ingest.settings import DataSettings
from pipeline.quiet import waiting

FUNCTION = "load"


def load_data(data: DataSettings, console: Console) -> None:
    """Call the loader of `data`, if it has one and its path is not there.

    What it writes appears whole, by one rename.

    Raises:
        UserError: the loader is not there, fails, or writes nothing.
    """
    path = Path(data.path)
    if data.loader is None or path.exists():
        return
    incoming = path.with_name(f".{path.name}.incoming")
    shutil.rmtree(incoming, ignore_errors=True)  # what a killed loader left behind
    incoming.mkdir(parents=True)
    try:
        with waiting(console, f"loading {path.name}"):
            _function(Path(data.loader))(incoming)
    except UserError:
        raise
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        raise UserError(
            f"{data.loader} (data.loader) failed in line {where.lineno} of {where.filename}: {error}"
        ) from error
    finally:
        if incoming.exists() and not any(incoming.iterdir()):
            incoming.rmdir()
    if not incoming.exists():
        raise UserError(f"{data.loader} (data.loader) wrote nothing into the folder that it was given")
    incoming.rename(path)


def _function(file: Path) -> Callable[[Path], object]:
    if not file.is_file():
        raise UserError(f"{file}: there is no such file (data.loader)")
    spec = importlib.util.spec_from_file_location(f"anchorline_loader_{file.stem}", file)
    assert spec is not None  # noqa: S101  the name ends in .py
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, FUNCTION, None)
    if not callable(function):
        raise UserError(f"{file} (data.loader) has no function {FUNCTION}(folder)")
    return function
