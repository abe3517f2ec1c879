"""The versions under a base path, named as TensorFlow Serving names them."""

from pathlib import Path


def pushed_versions(base: str | Path) -> list[int]:
    """Version numbers under a base path, oldest first.

    A version is a folder whose name is its number as `str` writes it; anything else under the base path is none.
    """
    folder = Path(base)
    if not folder.is_dir():
        return []
    names = [entry.name for entry in folder.iterdir() if entry.is_dir()]
    return sorted(int(name) for name in names if name.isdecimal() and str(int(name)) == name)


def newest_version(base: str | Path) -> int | None:
    """The version that TensorFlow Serving would serve, or none."""
    versions = pushed_versions(base)
    return versions[-1] if versions else None
