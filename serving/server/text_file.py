"""Reading a configuration file: a message in protobuf's text format."""

from pathlib import Path
from typing import Any

from google.protobuf import text_format


class ConfigFileError(Exception):
    """A configuration file that cannot be used; the message says which and why."""


def read(flag: str, path: str, message: Any) -> Any:
    """Fill the empty `message` from the file that `--flag` names, and return it. Raises ConfigFileError."""
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigFileError(f"--{flag}: cannot read {path}: {error}") from error
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError as error:
        name = message.DESCRIPTOR.full_name
        raise ConfigFileError(f"--{flag}: Error parsing text-format {name} in {path}: {error}") from error
