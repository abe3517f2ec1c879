"""What a config says about changes that pictures undergo while they are learnt."""

from pydantic import BaseModel, ConfigDict, Field


class Augmentation(BaseModel):
    """Each picture of a training batch gets a draw of its own; evaluation and serving see pictures as they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flip: bool = Field(default=False, description="Mirror left and right, half of the time.")
    crop: float = Field(default=0.0, ge=0, le=0.5, description="Cut off at most this share of height and width.")
    rotation: float = Field(default=0.0, ge=0, le=180, description="Turn by at most so many degrees either way.")
