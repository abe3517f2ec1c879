"""Settings of the Transform step."""

from pydantic import BaseModel, ConfigDict, Field


class TransformSettings(BaseModel):
    """How texts become token ids."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vocabulary_size: int = Field(
        default=30_000, ge=1, le=1_000_000, description="Most frequent tokens that get an id of their own."
    )
    min_count: int = Field(default=1, ge=1, description="Rarer tokens share the id of unknown ones.")
