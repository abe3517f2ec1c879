"""Settings of the Trainer step."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from components.parts import Modality
from components.search.settings import IndexSettings, SearchSettings
from components.tasks.settings import ClassifySettings, MatchSettings

Distribute = Literal["none", "mirrored", "multi_worker"]


class TrainSettings(BaseModel):
    """How long and how fast to learn."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(default=30, ge=1, description="At most so many rounds, each with a validation at its end.")
    steps_per_epoch: int | None = Field(
        default=None,
        ge=1,
        description="At most so many steps a round; by default one pass over the rows, for pictures at least 25.",
    )
    batch_size: int = Field(default=64, ge=2, le=65_536, description="Rows a step; in-batch negatives come from it.")
    learning_rate: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="Of Adam; by default what suits the encoder."
    )
    schedule: Literal["constant", "cosine"] = Field(
        default="constant",
        description="How the learning rate goes on: `constant`, or `cosine`, down to 0 at the end of the last epoch.",
    )
    patience: int = Field(
        default=5, ge=1, description="Stop after so many epochs without a better validation; the best is kept."
    )
    distribute: Distribute = Field(
        default="none",
        description="`mirrored`: on all GPUs of the machine; `multi_worker`: on the machines that `TF_CONFIG` names. "
        "Each replica has its share of a batch, and in-batch negatives come from that share.",
    )
    shared_folder: str | None = Field(
        default=None,
        pattern=r"^(/|[a-z0-9]+://)",
        description="For `multi_worker`: an absolute path that all workers see; the chief puts the data there.",
    )

    @model_validator(mode="after")
    def _check_workers(self) -> Self:
        if (self.distribute == "multi_worker") != (self.shared_folder is not None):
            raise ValueError("distribute: multi_worker needs shared_folder, and nothing else does")
        return self


class _TrainerSettings(BaseModel):
    """What `run_fn` needs to know whatever the task; travels to the step as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inputs: dict[str, Modality]
    train: TrainSettings
    seed: int


class MatchTrainer(_TrainerSettings):
    """For `match`."""

    task: Literal["match"] = "match"
    model: MatchSettings
    candidates: int = Field(ge=1, description="How many candidates `search` returns.")
    index: IndexSettings = IndexSettings()
    search: SearchSettings = SearchSettings()


class ClassifyTrainer(_TrainerSettings):
    """For `classify`."""

    task: Literal["classify"] = "classify"
    model: ClassifySettings
    neighbors: int = Field(ge=1, description="How many neighbours `neighbors` returns.")
    index: IndexSettings = IndexSettings()


type TrainerSettings = MatchTrainer | ClassifyTrainer


def parse_settings(text: str) -> TrainerSettings:
    """Settings from their JSON."""
    union = Annotated[MatchTrainer | ClassifyTrainer, Field(discriminator="task")]
    return TypeAdapter(union).validate_json(text)
