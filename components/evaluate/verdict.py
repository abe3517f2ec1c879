"""What the gates said of a model, in a form that is kept beside the evaluation and read by people."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from components.evaluate.settings import TOLERANCE

FILE = "verdict.json"

Metrics = dict[str, float]


class _Kept(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="constants")  # a metric of a slice may be undefined: NaN


class Check(_Kept):
    """One bound held against one metric."""

    metric: str
    kind: Literal["min", "max", "max_drop", "max_rise"]
    bound: float
    value: float
    against: float | None = None
    """The metric of the version in production, for changes; none where there was no version to compare with."""

    @property
    def passed(self) -> bool:
        """Whether the model may pass, as far as this bound goes; what is not a number never passes."""
        if self.kind == "min":
            return self.value >= self.bound
        if self.kind == "max":
            return self.value <= self.bound
        if self.against is None:
            return True
        change = self.value - self.against
        return change >= -self.bound - TOLERANCE if self.kind == "max_drop" else change <= self.bound + TOLERANCE

    def sentence(self) -> str:
        """The check in words."""
        is_now = f"{self.metric} {self.value:.3f}"
        if self.kind == "min":
            short = f", short by {self.bound - self.value:.3f}" if not self.passed else ""
            return f"{is_now}, at least {self.bound:.3f} wanted{short}"
        if self.kind == "max":
            over = f", over by {self.value - self.bound:.3f}" if not self.passed else ""
            return f"{is_now}, at most {self.bound:.3f} wanted{over}"
        if self.against is None:
            return f"{is_now}, no version in production to compare with"
        move = "fall" if self.kind == "max_drop" else "rise"
        limit = f"may {move} by {self.bound:.3f}" if self.bound else f"may not {move}"
        return f"{is_now} is {self.value - self.against:+.3f} against {self.against:.3f} in production, {limit}"


class Slice(_Kept):
    """Metrics of the rows of one category or label."""

    by: str
    """Which of the two it is."""
    name: str
    rows: int
    metrics: Metrics


class Reference(_Kept):
    """What a plain method reaches on the same rows."""

    name: str
    metrics: Metrics


class Verdict(_Kept):
    """The outcome of one evaluation."""

    blessed: bool
    production_version: str | None
    rows: int
    """Test rows."""
    metrics: Metrics
    production: Metrics | None
    reference: Reference | None
    checks: list[Check]
    slices: list[Slice]

    def write(self, folder: str) -> None:
        """Keep the verdict in an evaluation's folder."""
        (Path(folder) / FILE).write_text(self.model_dump_json(indent=1), encoding="utf-8")
