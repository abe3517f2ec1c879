"""Settings of the Trainer step."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from components.encoders.settings import BagSettings, EncoderSettings
from components.losses.settings import LossSettings, RankingSettings


class ModelSettings(BaseModel):
    """What is learnt."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: EncoderSettings = Field(default=BagSettings(), description="How a text becomes a vector.")
    loss: LossSettings = Field(
        default=RankingSettings(type="multiple_negatives_ranking"),
        description="What pulls pairs together and the rest apart.",
    )


class TrainSettings(BaseModel):
    """How long and how fast to learn."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(default=30, ge=1, description="At most so many rounds, each with a validation at its end.")
    steps_per_epoch: int | None = Field(
        default=None, ge=1, description="At most so many steps a round; by default one pass over the training pairs."
    )
    batch_size: int = Field(default=64, ge=2, le=65_536, description="Pairs a step; in-batch negatives come from it.")
    learning_rate: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="Of Adam; by default what suits the encoder."
    )
    patience: int = Field(
        default=5, ge=1, description="Stop after so many epochs without a better validation MRR; the best is kept."
    )


class TrainerSettings(BaseModel):
    """All that `run_fn` needs to know; travels to the step as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Literal["match"]
    model: ModelSettings
    train: TrainSettings
    seed: int
    candidates: int = Field(ge=1, description="How many candidates `search` returns.")
