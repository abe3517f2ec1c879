"""TF Serving's REST paths (model_servers/http_rest_api_util.cc)."""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote_to_bytes

from serving.server.errors import invalid

_VERSION_OR_LABEL = r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
_POST = re.compile(rf"/v1/models/(?P<name>[^/:]+){_VERSION_OR_LABEL}:(?P<verb>classify|regress|predict)", re.IGNORECASE)
_GET = re.compile(rf"/v1/models(?:/(?P<name>[^/:]+))?{_VERSION_OR_LABEL}(?:/(?P<verb>metadata))?", re.IGNORECASE)

_MAX_VERSION = 2**63 - 1

Verb = Literal["classify", "regress", "predict", "metadata", "status"]


@dataclass(frozen=True, slots=True)
class Call:
    """What a request wants of which version of which model."""

    verb: Verb
    name: str
    version: int | None = None
    label: str | None = None


def parse(method: str, path: str) -> Call:
    """The call that `method` and `path` (not decoded, query and all) mean. Raises StatusError (INVALID_ARGUMENT)."""
    pattern = {"POST": _POST, "GET": _GET}.get(method)
    match = pattern.fullmatch(path) if pattern else None
    if match is None:
        raise invalid(f"Malformed request: {method} {path}")
    name, version, label, verb = (match[group] for group in ("name", "version", "label", "verb"))
    if name is None:
        raise invalid("Missing model name in request.")
    return Call(
        verb=verb.lower() if verb else "status",  # type: ignore[arg-type]  # the patterns allow nothing else
        name=_decoded(name),
        version=_number(version) if version is not None else None,
        label=_decoded(label) if label is not None else None,
    )


def _number(version: str) -> int:
    digits = version.lstrip("0") or "0"
    if len(digits) > len(str(_MAX_VERSION)) or int(digits) > _MAX_VERSION:  # int() raises for thousands of digits
        raise invalid(f"Failed to convert version: {version} to numeric.")
    return int(digits)


def _decoded(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "replace")
