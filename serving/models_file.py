"""The text-format `tensorflow.serving.ModelServerConfig` that names the models of a server."""

from collections.abc import Mapping
from pathlib import Path


def model_server_config(models: Mapping[str, Path], labels: Mapping[str, Mapping[str, int]] | None = None) -> str:
    """What `--model_config_file` takes.

    Args:
        models: the base path of each model, by name.
        labels: by model, names of versions; such a model serves exactly the versions that have one, the others their
            newest.
    """
    entries = [
        f'  config {{ name: {_quoted(name)} base_path: {_quoted(str(path))} model_platform: "tensorflow"'
        f"{_policy((labels or {}).get(name, {}))} }}"
        for name, path in models.items()
    ]
    return "\n".join(["model_config_list {", *entries, "}", ""])


def _policy(labels: Mapping[str, int]) -> str:
    if not labels:
        return ""
    versions = "".join(f" versions: {version}" for version in sorted(set(labels.values())))
    named = "".join(
        f" version_labels {{ key: {_quoted(label)} value: {version} }}" for label, version in labels.items()
    )
    return f" model_version_policy {{ specific {{{versions} }} }}{named}"


def _quoted(text: str) -> str:
    """A string literal of protobuf's text format."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
