"""Which versions of a model lie under its base path, and which of them the version policy wants."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR

_MAX_VERSION = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Folder:
    """A version's folder; `stamp` changes when files are added to it or removed."""

    path: Path
    stamp: int


@dataclass(frozen=True, slots=True)
class Policy:
    """ServableVersionPolicy: the `latest` newest versions, or all of them (None), or exactly the `specific` ones."""

    latest: int | None = 1
    specific: frozenset[int] = field(default_factory=frozenset)

    def pick(self, versions: Iterable[int]) -> list[int]:
        """The wanted ones among the versions that exist, newest first."""
        newest_first = sorted(versions, reverse=True)
        if self.specific:
            return [version for version in newest_first if version in self.specific]
        return newest_first[: self.latest]


def find(base_path: Path) -> dict[int, Folder]:
    """Version folders by number. Folders that are not named by a number are passed over; leading zeros are allowed.

    Raises OSError if the base path cannot be listed.
    """
    found: dict[int, Folder] = {}
    for path in sorted(base_path.iterdir()):
        version = int(path.name) if path.name.isascii() and path.name.isdigit() else None
        if version is None or version > _MAX_VERSION or version in found:
            continue
        try:
            info = path.stat()
        except FileNotFoundError:
            continue  # removed since the listing
        if S_ISDIR(info.st_mode):
            found[version] = Folder(path, info.st_mtime_ns)
    return found
