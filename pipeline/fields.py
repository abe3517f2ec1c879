"""What a field of the settings may hold."""

from typing import Any, get_args

from pydantic import BaseModel


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The settings classes in a field's type: one, those of a union, or the values of a mapping.

    Args:
        annotation: a field's; unions, mappings and `Annotated` may lie inside each other.
    """
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models_in(part)]


def tag_of(model: type[BaseModel]) -> str:
    """By what a union of settings is told apart: the value of its field `type`; empty where it has none."""
    field = model.model_fields.get("type")
    return get_args(field.annotation)[0] if field else ""
