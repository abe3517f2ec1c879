"""From the values of a trial to the settings of a training."""

import math
from collections.abc import Mapping
from functools import reduce
from typing import Any

from pydantic import BaseModel

from components.train.settings import TrainerSettings
from components.tune.settings import Range

type Values = Mapping[str, Any]
"""By dotted key, as in `train.learning_rate`."""


_TAGS = {"task", "type"}
"""By these unions of settings are told apart."""


def given(settings: BaseModel) -> dict[str, Any]:
    """What was said of a training, fit for JSON, without defaults, which depend on the rest."""
    plain = settings.model_dump(mode="json")
    said = (settings.model_fields_set | _TAGS) & plain.keys()
    return {
        name: given(value) if isinstance(value, BaseModel) else plain[name] for name, value in settings if name in said
    }


def put(raw: dict[str, Any], key: str, value: Any) -> None:
    """Set the dotted `key` of nested mappings, making those that are not there.

    Raises:
        ValueError: on the way lies what is no mapping.
    """
    *parents, last = key.split(".")
    for parent in parents:
        child = raw.setdefault(parent, {})
        if not isinstance(child, dict):
            raise ValueError(f"{parent} is {child!r:.60}, not a group of keys")
        raw = child
    raw[last] = value


def changed(settings: TrainerSettings, values: Values) -> dict[str, Any]:
    """What is said of a training when some values are others; not checked yet."""
    raw = given(settings)
    for key, value in values.items():
        put(raw, key, value)
    return raw


def with_values(settings: TrainerSettings, values: Values) -> TrainerSettings:
    """The settings with some values changed.

    Raises:
        ValueError: a key is not there, a value is not allowed, or they do not fit together.
    """
    tuned = type(settings).model_validate(changed(settings, values))
    tuned.check()
    return tuned


def is_whole(settings: TrainerSettings, key: str, span: Range) -> bool:
    """Whether the key takes whole numbers alone.

    Raises:
        ValueError: it takes no numbers, or the range does not suit whole ones.
    """
    ends = [reduce(getattr, key.split("."), with_values(settings, {key: end})) for end in (span.min, span.max)]
    if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends):
        raise ValueError("takes no numbers; give a list of values")
    whole = all(isinstance(end, int) for end in ends)
    if whole and span.step is not None and not span.step.is_integer():
        raise ValueError(f"takes whole numbers, so step cannot be {span.step:g}")
    return whole


def rounded(value: float, span: Range) -> float:
    """A value within its range as it is tried and written down: four digits."""
    assert span.min is not None, "checked by Range"  # noqa: S101
    assert span.max is not None, "checked by Range"  # noqa: S101
    short = value if not value else round(value, 3 - math.floor(math.log10(abs(value))))
    return min(max(short, span.min), span.max)
