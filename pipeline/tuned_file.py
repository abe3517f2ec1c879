"""The configuration file that a search recommends."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from components.errors import UserError
from pipeline.config import PipelineConfig, split_override
from pipeline.yaml_edit import edit
from serving import whole_file

_ENCODERS = ("encoder", "question_encoder", "answer_encoder")
_PATHS = (
    *("data.path", "data.loader", "data.image_folder", "schema_path"),
    *(f"model.{encoder}.{key}" for encoder in _ENCODERS for key in ("preset", "weights")),
)


def default_file(config_path: Path) -> Path:
    """Beside the configuration: `faq.yaml` becomes `faq-tuned.yaml`."""
    return config_path.with_name(f"{config_path.stem}-tuned{config_path.suffix or '.yaml'}")


def check_writable(file: Path) -> None:
    """Fail before the search rather than after it.

    Raises:
        UserError: the file could not be written.
    """
    if not file.absolute().parent.is_dir():
        raise UserError(f"{file}: the folder {file.absolute().parent} is not there (--output)")
    try:
        whole_file.check_writable(file)
    except OSError as error:
        raise UserError(f"{file}: cannot be written: {error.strerror} (--output)") from None


def write_tuned(
    file: Path, config: PipelineConfig, config_path: Path, overrides: Sequence[str], values: Mapping[str, Any]
) -> None:
    """Write the configuration with its overrides and `values`, so that a run of the file is what was found.

    Args:
        file: replaced by one rename.
        config: what was tuned.
        config_path: its file, whose comments and order stay.
        overrides: `a.b=value` each.
        values: by dotted key.

    Raises:
        UserError: the file cannot be written.
    """
    text = config_path.read_text(encoding="utf-8")
    changes = dict(map(split_override, overrides))
    changes |= _moved(config, edit(text, changes), config_path, file)
    try:
        whole_file.write_whole(file.absolute(), edit(text, changes | dict(values)))
    except OSError as error:
        raise UserError(f"{file}: cannot be written: {error.strerror} (--output)") from None


def _moved(config: PipelineConfig, text: str, config_path: Path, file: Path) -> dict[str, str]:
    """Relative paths as they read from another folder; the output folder stays where it is too."""
    folder = file.absolute().parent.resolve()
    if folder == config_path.resolve().parent:
        return {}
    raw, absolute = yaml.safe_load(text), config.model_dump()
    moved = {}
    for key in _PATHS:
        path = _at(raw, key)
        if path and not path.startswith(("/", "~", "package:")):
            moved[key] = os.path.relpath(_at(absolute, key), folder)
    return moved | {"output": os.path.relpath(config.output_folder, folder)}


def _at(node: Any, key: str) -> Any:
    for part in key.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return node
