"""The versions under a base path, named as TensorFlow Serving names them."""

from pathlib import Path


def pushed_versions(base: str | Path) -> list[int]:
    """Version numbers under a base path, oldest first; anything without a number for a name is none."""
    folder = Path(base)
    if not folder.is_dir():
        return []
    return sorted(int(entry.name) for entry in folder.iterdir() if entry.name.isdecimal() and entry.is_dir())


def newest_version(base: str | Path) -> int | None:
    """The version that TensorFlow Serving would serve, or none."""
    versions = pushed_versions(base)
    return versions[-1] if versions else None
