"""What pydantic found wrong with a configuration, in the words of the person who wrote it."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from pipeline.fields import models_in, tag_of


def sentence(error: ErrorDetails, raw: dict[str, Any], root: type[BaseModel]) -> str:  # noqa: PLR0911  one a case
    """One clear sentence: key path, what came, what is allowed.

    Args:
        error: one of pydantic's.
        raw: what was validated.
        root: the model it was validated against.
    """
    path, siblings = _locate(error["loc"], raw)
    key = ".".join(path)
    context = error.get("ctx", {})
    match error["type"]:
        case "value_error" if not path:  # what several keys say does not fit together
            return error["msg"].removeprefix("Value error, ")
        case "extra_forbidden":
            allowed = _allowed_keys(error["loc"], root)
            guess = difflib.get_close_matches(str(error["loc"][-1]), allowed, n=1)
            hint = f"; did you mean {guess[0]}?" if guess else f"; allowed are {', '.join(allowed)}"
            return f"{key}: unknown key{hint}"
        case "missing":
            guess = difflib.get_close_matches(str(error["loc"][-1]), [str(name) for name in siblings], n=1)
            return f"{key}: is missing" + (f"; is {guess[0]} a misspelling of it?" if guess else "")
        case "union_tag_invalid":
            return f"{key}.type: got {show(context['tag'])}; allowed are {context['expected_tags']}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{key}: got {show(error['input'])}; there must be keys and values, as in {{key: value}}"
        case "union_tag_not_found":
            return f"{key}.type: is missing"
        case _:
            message = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
            return f"{key}: got {show(error['input'])}; {message[0].lower()}{message[1:]}"


def _locate(location: Iterable[int | str], raw: Any) -> tuple[list[str], Mapping[str, Any]]:
    """Key path as the user wrote it (without pydantic's union tags), and the keys that stand beside the last one."""
    path: list[str] = []
    node, siblings = raw, {}
    for part in location:
        if part == "[key]":
            continue
        if isinstance(node, dict) and part not in node and node.get("type") == part:
            continue
        siblings = node if isinstance(node, dict) else {}
        path.append(str(part))
        node = node.get(part) if isinstance(node, dict) else None
    return path, siblings


def _allowed_keys(location: Sequence[int | str], root: type[BaseModel]) -> list[str]:
    """Names that are allowed where `location` points: the fields of the model reached by its parents."""
    models: list[type[BaseModel]] = [root]
    for part in location[:-1]:
        models = _step_into(models, str(part))
    return list(dict.fromkeys(name for model in models for name in model.model_fields))


def _step_into(models: list[type[BaseModel]], part: str) -> list[type[BaseModel]]:
    """What `part` leads to: a field's settings, one of a union by its tag, or, by the key of a mapping, its values."""
    fields = [model.model_fields[part] for model in models if part in model.model_fields]
    if fields:
        return [model for field in fields for model in models_in(field.annotation)]
    return [model for model in models if tag_of(model) == part] or models


def show(value: Any) -> str:
    """A value as a message quotes it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004
