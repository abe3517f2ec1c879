"""Settings of the gates between a trained model and production."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MatchMetric = Literal["recall@1", "recall@5", "recall@10", "mrr"]
ClassifyMetric = Literal["accuracy", "neighbor_accuracy", "ece", "distance_ratio"]
Metric = MatchMetric | ClassifyMetric

SMALLER_IS_BETTER = frozenset[str]({"ece", "distance_ratio"})

TOLERANCE = 1e-9
"""An equal model is not a worse one, whatever the order of additions."""


class Gate(BaseModel):
    """Bounds of one metric: from below where larger is better, from above where smaller is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min: float | None = Field(default=None, ge=0, le=1, description="The least that is pushed.")
    max: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="The most that is pushed, of `ece` and `distance_ratio`."
    )
    max_drop: float | None = Field(
        default=None, ge=0, le=1, description="How far below the newest pushed version it may fall (absolute)."
    )
    max_rise: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="How far above the newest pushed version `ece` and `distance_ratio` may rise (absolute).",
    )


def check_bounds(gates: Mapping[Metric, Gate]) -> None:
    """Whether each gate has a bound, and each bound is on the side from which its metric gets worse.

    Raises:
        ValueError: one has not or is not; the text says which by `METRIC` or `METRIC.BOUND`.
    """
    for metric, gate in gates.items():
        smaller = metric in SMALLER_IS_BETTER
        better, right, wrong = (
            ("smaller", "max and max_rise", ("min", "max_drop"))
            if smaller
            else ("larger", "min and max_drop", ("max", "max_rise"))
        )
        if not gate.model_dump(exclude_none=True):
            raise ValueError(f"{metric}: has no bound and would stop nothing; it takes {right}")
        for name in wrong:
            if (bound := getattr(gate, name)) is not None:
                raise ValueError(f"{metric}.{name}: got {bound:g}; {metric} is better when {better}: it takes {right}")
