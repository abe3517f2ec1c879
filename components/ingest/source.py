"""Finds the files that `data.path` means."""

import glob
import importlib.util
from pathlib import Path
from typing import NamedTuple, get_args

from components.ingest.errors import DataError
from components.ingest.settings import DataSettings, Format, TableFormat, is_folder

FORMATS: tuple[TableFormat, ...] = get_args(TableFormat)
_PACKAGE = "package:"
_MAGIC = frozenset("*?[")
_LITTER = frozenset({"thumbs.db", "desktop.ini"})  # what Windows leaves in a folder of pictures


class Source(NamedTuple):
    """The files of one `data.path`.

    `base` and `pattern` are TFX's way to name them: the glob `base/pattern` matches the files and nothing else.
    """

    base: str
    pattern: str
    format: Format

    @property
    def files(self) -> tuple[str, ...]:
        """The files that are there now."""
        return files_of(self.base, self.pattern)

    @property
    def pattern_for_tfx(self) -> str:
        """`pattern`, unless a name is not UTF-8, at which TFX's driver would fail; then the folder itself."""
        try:
            "".join(glob.iglob(f"{self.base}/{self.pattern}")).encode()  # noqa: PTH207
        except UnicodeEncodeError:
            return "."
        return self.pattern


def files_of(base: str, pattern: str) -> tuple[str, ...]:
    """The files that the glob `base/pattern` matches, in the order of their names; hidden ones must be named."""
    files = (name for name in glob.glob(f"{base}/{pattern}") if Path(name).is_file())  # noqa: PTH207
    return tuple(sorted(name for name in files if Path(name).name.lower() not in _LITTER))


def locate(settings: DataSettings) -> Source:
    """Resolves path and format; relative paths are relative to the current directory. Opens no file.

    Raises:
        DataError: the package is not installed, the path is not local, or the format is not known.
    """
    path = _as_path(settings.path)
    if is_folder(settings.format):
        if path.exists() and not path.is_dir():
            raise DataError(f"{path} (data.path) is a file; data.format {settings.format} wants a folder of classes.")
        return Source(glob.escape(str(path)), "*/*", settings.format)
    if path.is_dir():
        format_ = _format_of_folder(path) if settings.format == "auto" else settings.format
        return Source(glob.escape(str(path)), f"*.{format_}", format_)
    if _MAGIC.intersection(str(path)) and not path.exists():
        base, pattern = _split_glob(path)
    else:
        base, pattern = glob.escape(str(path.parent)), glob.escape(path.name)
    return Source(base, pattern, _format_of_name(pattern) if settings.format == "auto" else settings.format)


def _as_path(path: str) -> Path:
    if "://" in path:
        raise DataError(f"data.path is {path}, but only files of this machine are read; copy or mount it first.")
    if not path.startswith(_PACKAGE):
        return Path(path).expanduser().absolute()
    name, slash, inner = path.removeprefix(_PACKAGE).partition("/")
    if not (all(part.isidentifier() for part in name.split(".")) and slash and inner):
        raise DataError(f"data.path is {path}, but must be package:IMPORT_NAME/path/inside.")
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        found = None
    if found is None or not found.submodule_search_locations:
        raise DataError(f"data.path is {path}, but no package {name} is installed here; install it with pip first.")
    return Path(next(iter(found.submodule_search_locations)), inner)


def _split_glob(path: Path) -> tuple[str, str]:
    """The longest leading part without wildcards, and the rest."""
    parts = path.parts
    first = next(index for index, part in enumerate(parts) if _MAGIC.intersection(part))
    return str(Path(*parts[:first])), "/".join(parts[first:])


def _format_of_name(name: str) -> TableFormat:
    suffix = Path(name).suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        raise DataError(
            f"data.path ends in {Path(name).name!r}, which does not tell the format;"
            f" set data.format to one of {', '.join(FORMATS)}."
        )
    return suffix


def _format_of_folder(folder: Path) -> TableFormat:
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_file() and not entry.name.startswith("."))
    except PermissionError as error:
        raise DataError(f"The folder {folder} (data.path) may not be read by this user.") from error
    found = [format_ for format_ in FORMATS if any(name.endswith(f".{format_}") for name in names)]
    if not found:
        if not names and any(entry.is_dir() for entry in folder.iterdir()):
            raise DataError(
                f"The folder {folder} (data.path) holds folders and no table; if they are classes (LABEL/FILE) of a"
                " `classify` task, set data.format to images or texts."
            )
        endings = ", ".join(f".{format_}" for format_ in FORMATS)
        held = ", ".join(names[:5]) + (" and others" if len(names) > 5 else "") if names else "no file at all"  # noqa: PLR2004
        raise DataError(f"The folder {folder} (data.path) holds no file that ends in {endings}; it holds {held}.")
    if len(found) > 1:
        raise DataError(f"The folder {folder} (data.path) holds {' and '.join(found)} files; set data.format to one.")
    return found[0]
