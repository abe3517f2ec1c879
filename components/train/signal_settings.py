"""What a config may say about the signals that are learnt from beside plain pairs and rows."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClozeSettings(_Settings):
    """Settings of `components.train.cloze.ClozePairs`."""

    share: float = Field(
        default=0.5,
        gt=0,
        lt=1,
        description="Part of each batch that is made of candidates alone: a piece of one stands for its question. Off "
        "unless `inverse_cloze` is given; `{}` gives its defaults.",
    )
    unit: Literal["sentence", "span"] = Field(
        default="sentence", description="The piece: a `sentence`, or a `span` of a fifth to three fifths of the words."
    )


class HardNegativeSettings(_Settings):
    """Settings of `components.train.hard_negatives.HardNegatives`."""

    each: int = Field(
        default=1,
        ge=1,
        le=100,
        description="How many are drawn for each pair of a batch, of the "
        "candidates that the encoder ranks best before each epoch. Off unless `hard_negatives` is given.",
    )
    ranks: tuple[int, int] = Field(
        default=(1, 30), description="From which rank to which, of the candidates that may be taken, they are drawn."
    )
    margin: float = Field(
        default=0.0,
        ge=-2,
        le=2,
        description="What scores above the right answer's cosine less this may be right as well, and is not taken.",
    )
    near: float = Field(
        default=0.95,
        ge=-1,
        le=1,
        description="Nor is what has a larger cosine than this with the right answer itself.",
    )

    @model_validator(mode="after")
    def _check_ranks(self) -> Self:
        first, last = self.ranks
        if not 1 <= first <= last:
            raise ValueError(f"ranks: got {first} to {last}; they start at 1, and the first is not above the last")
        return self


class SamplerSettings(_Settings):
    """Settings of `components.train.sampler.ClassSampler`."""

    classes: int = Field(
        ge=2, description="How many labels a batch has, all equally often. Without `sampler` rows come at random."
    )
    examples: int = Field(ge=1, description="How many rows of each.")
