"""The README's table of configuration keys, made from the settings: `python -m pipeline.config_table`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pipeline.config import TASKS
from pipeline.fields import models_in, tag_of

HEADER = "| key | value | default | what it is |\n| --- | --- | --- | --- |"


@dataclass(frozen=True)
class _Row:
    key: str
    value: str
    default: str
    text: str
    of: tuple[str, ...] = ()
    """For which choices, where not for all: the types of a union, or a task."""

    def __str__(self) -> str:
        of = f" ({', '.join(self.of)})" if self.of else ""
        return f"| `{self.key}`{of} | {self.value} | {self.default} | {self.text} |"


def config_table() -> str:
    """One Markdown row for each key, nested keys by their path; what not all have says which of them do."""
    match, classify = (_joined(list(_rows(TASKS[task], "", {}))) for task in ("match", "classify"))
    return "\n".join([HEADER, *map(str, _both(match, classify))])


def _both(match: Sequence[_Row], classify: Sequence[_Row]) -> Iterator[_Row]:
    """The rows of two tasks, each once; those of one task are marked, unless the type that has them tells it."""
    for _, start, end, other_start, other_end in SequenceMatcher(None, match, classify, autojunk=False).get_opcodes():
        if match[start:end] == classify[other_start:other_end]:
            yield from match[start:end]
            continue
        for task, rows in (("match", match[start:end]), ("classify", classify[other_start:other_end])):
            yield from (row if row.of else replace(row, of=(task,)) for row in rows)


def _joined(rows: Sequence[_Row]) -> list[_Row]:
    """Rows that differ in nothing but whose they are become one, at the place of the first."""
    joined: dict[_Row, tuple[str, ...]] = {}
    for row in rows:
        same = replace(row, of=())
        joined[same] = (*joined.get(same, ()), *row.of)
    return [replace(row, of=of) for row, of in joined.items()]


def _rows(model: type[BaseModel], prefix: str, seen: dict[tuple[type, ...], str]) -> Iterator[_Row]:
    """The rows of a settings class.

    Args:
        model: the class.
        prefix: of its keys.
        seen: where unions were listed, by their members; they are listed once.
    """
    for name, field in model.model_fields.items():
        key, text = f"{prefix}{name}", field.description or ""
        choices = models_in(field.annotation)
        if not choices:
            yield _Row(key, _value(field.annotation), _default(field), text)
        elif get_origin(field.annotation) is dict:
            yield _Row(key, f"by {field.title}", _default(field), text)
            yield from _rows(choices[0], f"{key}.{(field.title or '').upper()}.", seen)
        elif len(choices) == 1:
            yield from _rows(choices[0], f"{key}.", seen)
        elif (listed := seen.setdefault(tuple(choices), key)) != key:
            yield _Row(key, f"as `{listed}`", _default(field), text)
        else:
            yield _Row(key, "by `type`", _default(field), text)
            for choice in choices:
                yield from _tagged(choice, key, seen)


def _tagged(choice: type[BaseModel], key: str, seen: dict[tuple[type, ...], str]) -> Iterator[_Row]:
    tag = tag_of(choice)
    for row in _rows(choice, f"{key}.", seen):
        if row.key == f"{key}.type":
            yield replace(row, value=f"`{tag}`", default="")
        else:
            yield replace(row, of=(tag,))


def _value(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if origin is Annotated:
        return _value(parts[0])
    if origin in (Union, UnionType):
        return " or ".join(_value(part) for part in parts if part is not type(None))
    if origin in (tuple, list):
        return f"list of {_value(parts[0])}"
    if origin is dict:
        return f"{_value(parts[1])} by name"
    return {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "any value"}.get(
        annotation, str(annotation)
    )


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return ""
    if isinstance(value, BaseModel):
        value = tag_of(type(value))
    if isinstance(value, dict):
        value = {
            key: entry.model_dump(exclude_none=True) if isinstance(entry, BaseModel) else entry
            for key, entry in value.items()
        }
    return f"`{list(value) if isinstance(value, tuple) else value}`"


if __name__ == "__main__":
    print(config_table())
