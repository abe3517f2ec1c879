"""Data that a Python file beside the configuration writes where it is not there yet."""

import shutil
import traceback
from collections.abc import Callable
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path

from rich.console import Console

from components.alone import alone
from components.errors import UserError
from components.ingest.settings import DataSettings
from pipeline.quiet import waiting

FUNCTION = "load"


def load_data(data: DataSettings, console: Console) -> None:
    """Call the loader of `data`, if it has one and its path is not there.

    What it writes appears whole, by one rename; another process that wants the same data waits for it.

    Raises:
        UserError: the loader is not there, fails, or writes nothing, or the data cannot be written.
    """
    path = Path(data.path)
    if data.loader is None or path.exists():
        return
    try:
        with waiting(console, f"loading {path.name}"), alone(path.with_name(f".{path.name}.lock")):
            if not path.exists():
                _load(Path(data.loader), path)
    except OSError as error:
        raise UserError(f"{path} (data.path): cannot be written: {error.strerror}") from error


def _load(loader: Path, path: Path) -> None:
    incoming = path.with_name(f".{path.name}.incoming")
    shutil.rmtree(incoming, ignore_errors=True)  # what a killed loader left behind
    incoming.mkdir()
    try:
        _run(loader, incoming)
        if not incoming.is_dir() or not any(incoming.iterdir()):
            raise UserError(f"{loader} (data.loader) wrote nothing into the folder that it was given")
        incoming.rename(path)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _run(file: Path, folder: Path) -> None:
    try:
        _function(file)(folder)
    except UserError:
        raise
    except Exception as error:
        where = f" in line {line}" if (line := _line_of(error, file)) else ""
        raise UserError(f"{file} (data.loader) failed{where}: {type(error).__name__}: {error}") from error


def _line_of(error: Exception, file: Path) -> int | None:
    """The innermost line of `file` that led to the error."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return lines[-1] if lines else None


def _function(file: Path) -> Callable[[Path], object]:
    if not file.is_file():
        raise UserError(f"{file}: there is no such file (data.loader)")
    name = f"anchorline_loader_{file.stem}"
    loader = SourceFileLoader(name, str(file))
    spec = ModuleSpec(name, loader, origin=str(file))
    spec.has_location = True  # gives the module its __file__
    module = module_from_spec(spec)
    loader.exec_module(module)
    function = getattr(module, FUNCTION, None)
    if not callable(function):
        raise UserError(f"{file} (data.loader) has no function {FUNCTION}(folder)")
    return function
