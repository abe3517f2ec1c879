"""What a config says about tuning: which keys, over which values, how long."""

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from components.encoders.preset import PACKAGE
from components.encoders.settings import absolute_path

TUNABLE = ("model", "train")
"""Groups of a config whose keys can be tuned."""

_PATHS = (".preset", ".weights")


class Range(BaseModel):
    """Values that a key may take: numbers between two ends, or one of a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min: float | None = Field(default=None, allow_inf_nan=False, description="The smallest value to try.")
    max: float | None = Field(default=None, allow_inf_nan=False, description="The largest value to try.")
    log: bool = Field(
        default=False, description="Whether orders of magnitude count: as many trials from 0.001 to 0.01 as to 0.1."
    )
    step: float | None = Field(default=None, gt=0, description="Distance of the values to try; by default any.")
    choices: list[Any] | None = Field(
        default=None, min_length=1, description="In their place the values themselves; `[10, 20]` is short for it."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, given: Any) -> Any:
        return {"choices": given} if isinstance(given, list) else given

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.choices is not None:
            if not self.model_fields_set <= {"choices"}:
                raise ValueError("choices stand alone, without min, max, log and step")
            return self
        if self.min is None or self.max is None:
            raise ValueError("give min and max, or a list of values")
        if not self.min < self.max:
            raise ValueError(f"min {self.min:g} is not below max {self.max:g}")
        if self.log and self.min <= 0:
            raise ValueError(f"log needs a min above 0, not {self.min:g}")
        if self.log and self.step is not None:
            raise ValueError("log takes no step")
        return self

    def at(self, info: ValidationInfo) -> Self:
        """The same with choices that are paths made absolute; see `absolute_path`."""
        named = map(str, self.choices or ())
        paths = [path if path.startswith(PACKAGE) else absolute_path(path, info) for path in named]
        return self.model_copy(update={"choices": paths or None})

    @property
    def tried(self) -> Sequence[Any]:
        """Values that must be allowed so that all are: the ends, or every choice."""
        return [self.min, self.max] if self.choices is None else self.choices


class TuneSettings(BaseModel):
    """How `anchorline tune` searches."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trials: int = Field(default=20, ge=1, le=10_000, description="How many sets of values to try.")
    algorithm: Literal["bayesian", "random"] = Field(
        default="bayesian",
        description="How values are chosen: `random`, or `bayesian`, which after three random trials a key goes by "
        "what it has seen.",
    )
    seeds: int = Field(
        default=1, ge=1, le=100, description="Trainings of a trial, each with the next seed; their mean is compared."
    )
    ranges: dict[str, Range] = Field(
        default={},
        title="key",
        description="What to try, by key below `model` or `train`: "
        "`{train.learning_rate: {min: 0.001, max: 0.1, log: true}, model.loss.scale: [10, 20, 40]}`.",
    )

    @field_validator("ranges")
    @classmethod
    def _check_keys(cls, ranges: dict[str, Range], info: ValidationInfo) -> dict[str, Range]:
        for key in ranges:
            if key.partition(".")[0] not in TUNABLE or not key.partition(".")[2]:
                raise ValueError(f"{key} cannot be tuned; what can are the keys below {' and '.join(TUNABLE)}")
            inner = next((other for other in ranges if other.startswith(f"{key}.")), None)
            if inner:
                raise ValueError(f"{inner} is a part of {key}; give one of them")
        return {key: span.at(info) if key.endswith(_PATHS) else span for key, span in ranges.items()}
