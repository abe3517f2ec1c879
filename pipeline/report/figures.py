"""The figures of a verdict as tables: beside production and a plain method, gate by gate, slice by slice."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from components.evaluate.settings import SMALLER_IS_BETTER
from components.evaluate.verdict import Metrics, Verdict
from pipeline.facts import Facts
from pipeline.summary import TELLING

WORST_SLICES = 15


@dataclass(frozen=True)
class Figure:
    """One metric of the model, and what there is to compare it with."""

    name: str
    smaller_is_better: bool
    value: float
    production: float | None
    reference: float | None

    @property
    def change(self) -> float | None:
        """Against production."""
        return None if self.production is None else self.value - self.production

    @property
    def change_is(self) -> str:
        """`better`, `worse` or `same`; empty where there is nothing to compare with."""
        if self.change is None or math.isnan(self.change):
            return ""
        if abs(self.change) < 0.0005:  # noqa: PLR2004  three decimals are shown
            return "same"
        return "better" if (self.change < 0) == self.smaller_is_better else "worse"


@dataclass(frozen=True)
class Decision:
    """What one gate, or the serving check, said."""

    text: str
    passed: bool


@dataclass(frozen=True)
class WeakSlice:
    """Test rows of one label or category."""

    by: str
    name: str
    rows: int
    values: tuple[float, ...]
    """In the order of the metrics."""


@dataclass(frozen=True)
class WeakSlices:
    """Slices that are below the whole."""

    metrics: tuple[str, ...]
    whole: float
    """The first metric of all test rows."""
    rows: tuple[WeakSlice, ...]
    slices: int
    """How many slices have rows enough to tell."""


def figures(verdict: Verdict, metrics: Sequence[str]) -> list[Figure]:
    """A row for every metric."""
    return [
        Figure(
            name,
            name in SMALLER_IS_BETTER,
            verdict.metrics[name],
            _value(verdict.production, name),
            _value(verdict.reference.metrics if verdict.reference else None, name),
        )
        for name in metrics
    ]


def decisions(facts: Facts) -> list[Decision]:
    """Every gate, then the serving check if the run got there."""
    checks = facts.verdict.checks if facts.verdict else []
    made = [Decision(check.sentence(), check.passed) for check in checks]
    if facts.serves is not None:
        text = "serves by gRPC and REST" if facts.serves else f"does not serve: {facts.refusal}"
        made.append(Decision(text, facts.serves))
    return made


def weak_slices(verdict: Verdict, metrics: Sequence[str]) -> WeakSlices:
    """The slices with rows enough to tell that are below the whole in the first metric, the weakest first.

    Args:
        verdict: of the run.
        metrics: what to show of each; in the first of them larger is better. One that no slice has is left out.
    """
    first, whole = metrics[0], verdict.metrics[metrics[0]]
    telling = [one for one in verdict.slices if one.rows >= TELLING and one.name]
    below = sorted((one for one in telling if one.metrics[first] < whole), key=lambda one: one.metrics[first])
    shown = [name for name in metrics if any(math.isfinite(one.metrics[name]) for one in below)]
    return WeakSlices(
        metrics=tuple(shown),
        whole=whole,
        rows=tuple(
            WeakSlice(one.by, one.name, one.rows, tuple(one.metrics[name] for name in shown))
            for one in below[:WORST_SLICES]
        ),
        slices=len(telling),
    )


def _value(metrics: Metrics | None, name: str) -> float | None:
    return metrics.get(name) if metrics else None
