"""Changes values in YAML text and leaves all else of it as it is: comments, order, quotes."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from components.tune.values import put


def edit(text: str, values: Mapping[str, Any]) -> str:
    """The text with some values changed or added.

    Args:
        text: a YAML mapping.
        values: by dotted key; groups that are not there are made.

    Raises:
        ValueError: on the way to a key lies what is no mapping.
    """
    wanted = yaml.safe_load(text) or {}
    for key, value in values.items():
        put(wanted, key, value)
    edited = text
    for key, value in values.items():
        edited = _edit(edited, key.split("."), value)
    if _read(edited) == wanted:
        return edited
    return yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True)  # an alias, or another rarity: without comments


def _read(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _edit(text: str, path: list[str], value: Any) -> str:
    """Replace the value at `path`, or add it to the innermost group that is there."""
    node = yaml.compose(text, yaml.SafeLoader)
    for depth, part in enumerate(path):
        child = _child(node, part)
        if child is None:
            return _add(text, node, part, _nested(path[depth + 1 :], value))
        node = child
    assert node is not None, "a path has parts"  # noqa: S101
    return f"{text[: node.start_mark.index]}{_flow(value)}{text[_end(node) :]}"


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _add(text: str, group: yaml.Node | None, key: str, value: Any) -> str:
    entry = f"{_flow(key)}: {_flow(value)}"
    if group is None:
        return f"{text}{entry}\n"
    start, end = group.start_mark, _end(group)
    if not isinstance(group, yaml.MappingNode):  # null, which may have no text at all
        return f"{text[: start.index].rstrip(' ')} {{{entry}}}{text[end:]}"
    if not group.flow_style:
        line_end = text.find("\n", end) if "\n" in text[end:] else len(text)  # past a comment
        return f"{text[:line_end]}\n{' ' * start.column}{entry}{text[line_end:]}"
    inner = text[start.index + 1 : end - 1].rstrip()
    return f"{text[: start.index + 1]}{inner}{', ' if group.value else ''}{entry}{text[end - 1 :]}"


def _end(node: yaml.Node) -> int:
    """Where the text of a node ends; a block goes by its last leaf, since its own mark lies past what follows it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(node, yaml.MappingNode) else last)
    return int(node.end_mark.index)


def _nested(path: list[str], value: Any) -> Any:
    for part in reversed(path):
        value = {part: value}
    return value


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    plain = isinstance(value, str) and value != "" and _plain(value)
    return value if plain else json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """YAML 1.1 takes 1e-05 for a text: it wants a point."""
    text = repr(value)
    return text.replace("e", ".0e", 1) if "e" in text and "." not in text else text


def _plain(text: str) -> bool:
    """Whether a text needs no quotes, in a flow too."""
    return text.replace("_", "").replace("/", "").replace(".", "").replace("-", "").isalnum() and _read(text) == text
