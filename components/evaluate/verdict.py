"""What the gates said of a model, in a form that is kept beside the evaluation and read by people."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from components.evaluate.settings import TOLERANCE

FILE = "verdict.json"

Metrics = dict[str, float]


class Check(BaseModel):
    """One bound held against one metric."""

    metric: str
    kind: Literal["min", "max_drop"]
    bound: float
    value: float
    against: float | None = None
    """The metric of the version in production, for `max_drop`; none where there was no version to compare with."""

    @property
    def passed(self) -> bool:
        """Whether the model may pass, as far as this bound goes."""
        if self.kind == "min":
            return self.value >= self.bound
        return self.against is None or self.value - self.against >= -self.bound - TOLERANCE

    def sentence(self) -> str:
        """The check in words."""
        if self.kind == "min":
            short = f", short by {self.bound - self.value:.3f}" if not self.passed else ""
            return f"{self.metric} {self.value:.3f}, at least {self.bound:.3f} wanted{short}"
        if self.against is None:
            return f"{self.metric} {self.value:.3f}, no version in production to compare with"
        change = f"{self.value - self.against:+.3f}"
        limit = f"may fall by {self.bound:.3f}" if self.bound else "may not fall"
        return f"{self.metric} {self.value:.3f} is {change} against {self.against:.3f} in production, {limit}"


class Slice(BaseModel):
    """Metrics of the questions of one category."""

    name: str
    questions: int
    metrics: Metrics


class Verdict(BaseModel):
    """The outcome of one evaluation."""

    blessed: bool
    production_version: str | None
    questions: int
    metrics: Metrics
    production: Metrics | None
    tfidf: Metrics
    checks: list[Check]
    slices: list[Slice]

    def write(self, folder: str) -> None:
        """Keep the verdict in an evaluation's folder."""
        (Path(folder) / FILE).write_text(self.model_dump_json(indent=1), encoding="utf-8")
