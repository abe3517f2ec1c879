"""Fingerprints of the code and the files a step depends on, so that TFX's cache notices an edit.

TFX keys its cache by names of functions, not by their source. That of code covers a module and every module of ours
that it imports, directly or not, at the top or inside functions, and the versions of the libraries that do the work.
"""

import ast
import hashlib
import importlib.util
import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

_OURS = ("components", "serving")
_NAME = re.compile(rf"({'|'.join(_OURS)})(\.\w+)+")
_LIBRARIES = ("tfx", "tensorflow", "keras", "apache-beam", "tensorflow-transform", "tensorflow-model-analysis")


def code_version(modules: Iterable[str]) -> str:
    """Fingerprint of modules given by name (`package.module`, or `package.module.function`)."""
    seen: set[Path] = set()
    queue = [file for name in modules for file in _sources(name)]
    while queue:
        file = queue.pop()
        if file not in seen:
            seen.add(file)
            queue += [found for name in _imports(file) for found in _sources(name)]
    digest = hashlib.sha256(" ".join(f"{name}={version(name)}" for name in _LIBRARIES).encode())
    for file in sorted(seen):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def files_version(files: Iterable[Path]) -> str:
    """Fingerprint of what is in files, whatever their names."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()[:16]


@cache
def _imports(file: Path) -> tuple[str, ...]:
    names = []
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _NAME.fullmatch(node.value):
            names.append(node.value)  # a module that is run or loaded by its name
    return tuple(names)


@cache
def _sources(name: str) -> tuple[Path, ...]:
    """Files of one of our modules and of the packages around it, found without importing them.

    A trailing part that is no module (a function's name) is left out.
    """
    top, *parts = name.split(".")
    if top not in _OURS:
        return ()
    spec = importlib.util.find_spec(top)
    assert spec is not None  # noqa: S101  our own package
    assert spec.origin is not None  # noqa: S101
    files = [Path(spec.origin)]
    folder = files[0].parent
    for part in parts:
        if (folder / part / "__init__.py").exists():
            folder /= part
            files += [file for file in (folder / "__init__.py", folder / "__main__.py") if file.exists()]
        elif (folder / f"{part}.py").exists():
            files.append(folder / f"{part}.py")
            break
        else:
            break
    return tuple(files)
