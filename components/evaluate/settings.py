"""Settings of the gates between a trained model and production."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Metric = Literal["recall@1", "recall@5", "recall@10", "mrr"]

TOLERANCE = 1e-9
"""An equal model is not a worse one, whatever the order of additions."""


class Gate(BaseModel):
    """Bounds of one metric; larger is better for all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min: float | None = Field(default=None, ge=0, le=1, description="The least that is pushed.")
    max_drop: float | None = Field(
        default=None, ge=0, le=1, description="How far below the newest pushed version it may fall (absolute)."
    )
