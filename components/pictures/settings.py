"""Settings of what is done to pictures in training."""

from pydantic import BaseModel, ConfigDict, Field


class Augmentation(BaseModel):
    """How pictures are altered in training, each by its own draw; never in evaluation or serving."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flip: bool = Field(default=False, description="Mirror every second picture, left and right changing places.")
    crop: float = Field(
        default=0.0, ge=0, le=0.5, description="Largest share of height and of width that is cut off; 0.5 is half."
    )
    rotation: float = Field(default=0.0, ge=0, le=180, description="Largest turn to either side, in degrees.")

    @property
    def changes(self) -> bool:
        """Whether anything is done at all."""
        return self.flip or self.crop > 0 or self.rotation > 0
