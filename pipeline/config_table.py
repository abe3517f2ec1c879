"""The README's table of configuration keys, made from the settings: `python -m pipeline.config_table`."""

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pipeline.config import PipelineConfig

HEADER = "| key | value | default | what it is |\n| --- | --- | --- | --- |"


def config_table() -> str:
    """One Markdown row for each key, nested keys by their path."""
    rows = [" | ".join(["", *row, ""]).strip() for row in _rows(PipelineConfig, "")]
    return "\n".join([HEADER, *rows])


def _rows(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        choices = _models(field.annotation)
        if not choices:
            yield f"`{path}`", _value(field.annotation), _default(field), field.description or ""
            continue
        if get_origin(field.annotation) is dict:
            yield f"`{path}`", "by metric", _default(field), field.description or ""
            path = f"{path}.METRIC"
        for choice in choices:
            tag = _tag(choice) if len(choices) > 1 else ""
            rows = _rows(choice, f"{path}.")
            for key, value, default, text in rows:
                if tag and key == f"`{path}.type`":
                    yield key, f"`{tag}`", "", text
                else:
                    yield f"{key}{f' ({tag})' if tag else ''}", value, default, text


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The settings classes that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _tag(model: type[BaseModel]) -> str:
    return get_args(model.model_fields["type"].annotation)[0]


def _value(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if origin is Annotated:
        return _value(parts[0])
    if origin in (Union, UnionType):
        return " or ".join(_value(part) for part in parts if part is not type(None))
    if origin is tuple:
        return f"list of {_value(parts[0])}"
    return {str: "text", int: "whole number", float: "number", bool: "true or false"}.get(annotation, str(annotation))


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return ""
    if isinstance(value, dict):
        value = {key: entry.model_dump(exclude_none=True) for key, entry in value.items()}
    return f"`{list(value) if isinstance(value, tuple) else value}`"


if __name__ == "__main__":
    print(config_table())
