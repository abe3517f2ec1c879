"""The Python models that are generated from published schemas, as a check of plain JSON."""

import datetime
import re
from types import ModuleType
from typing import Any

Json = dict[str, Any]

_PLAIN: dict[str, Any] = {"str": str, "int": int, "bool": bool, "float": (int, float), "object": object}
_PLAIN |= {"ResourceQuantity": (str, int), "int64": (str, int)}
_INT64 = {"max_concurrency", "interval_second"}
"""Declared as text, because JavaScript cannot count so far; a number is taken as well."""


class SchemaError(Exception):
    """JSON that is not as its schema says."""


def build(model: Any, value: Json, where: str, *packages: ModuleType) -> Any:
    """An object of a generated model.

    Args:
        model: a class with `openapi_types` and `attribute_map`.
        value: what is to be checked.
        where: its name in messages.
        packages: where further models are looked for.

    Raises:
        SchemaError: a field is none of the model's, or the model refuses its value.
    """
    names = {field: attribute for attribute, field in model.attribute_map.items()}
    arguments = {}
    for field, inner in value.items():
        if field not in names:
            raise SchemaError(f"{where}.{field} is no field of {model.__name__}")
        kind = "int64" if field in _INT64 else model.openapi_types[names[field]]
        arguments[names[field]] = _convert(kind, inner, f"{where}.{field}", packages)
    try:
        return model(**arguments)
    except ValueError as error:
        raise SchemaError(f"{where}: {error}") from None


def _convert(kind: str, value: Any, where: str, packages: tuple[ModuleType, ...]) -> Any:
    if match := re.fullmatch(r"list\[(.+)\]", kind):
        return [_convert(match[1], item, where, packages) for item in _typed(value, list, where)]
    if match := re.fullmatch(r"dict\(str, (.+)\)", kind):
        return {key: _convert(match[1], item, where, packages) for key, item in _typed(value, dict, where).items()}
    if kind == "datetime":
        return datetime.datetime.fromisoformat(_typed(value, str, where))
    if kind in _PLAIN:
        return _typed(value, _PLAIN[kind], where)
    model = next(getattr(package, kind) for package in packages if hasattr(package, kind))
    if hasattr(model, "allowable_values"):
        if value not in model.allowable_values:
            raise SchemaError(f"{where} is {value!r}, not one of {model.allowable_values}")
        return value
    return build(model, _typed(value, dict, where), where, *packages)


def _typed(value: Any, kind: Any, where: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind in (int, (int, float))):
        raise SchemaError(f"{where} is {value!r}, not {kind}")
    return value
