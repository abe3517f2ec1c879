"""What a config says about the search of the served model."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from components.encoders.settings import NgramLength
from components.parts import Modality

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class IndexSettings(BaseModel):
    """How the nearest vectors are found."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["auto", "exact", "partitions"] = Field(
        default="auto",
        description="`exact` compares with every vector, `partitions` with those in the nearest of many small parts; "
        "`auto` is `exact` up to 100,000 vectors and `partitions` above.",
    )
    partitions: int | None = Field(
        default=None,
        ge=1,
        le=2**20,
        description="How many parts; by default 32 times the root of the vectors' number, at most one for every 16.",
    )
    probes: int | None = Field(
        default=None,
        ge=1,
        le=2**20,
        description="In how many parts a query looks; by default as few as `min_recall` takes.",
    )
    shortlist: int | None = Field(
        default=None,
        ge=1,
        le=2**20,
        description="How many vectors of these are compared in full; by default as few as `min_recall` takes.",
    )
    min_recall: float = Field(
        default=0.95,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Share of the 10 nearest that must be found, over held-out rows; else nothing is exported.",
    )


class SearchSettings(BaseModel):
    """What `search` ranks by beside the cosine of the vectors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lexical: Literal["none", "auto"] | Share = Field(
        default="none",
        description="Weight of TF-IDF over the answers, which adds to 1 with that of the cosine; `auto`: the one with "
        "the best MRR on the validation split; `none`: no TF-IDF.",
    )
    buckets: int = Field(
        default=2**18, ge=2**10, le=2**24, description="For TF-IDF, terms are hashed into so many buckets."
    )
    ngrams: tuple[NgramLength, ...] = Field(
        default=(3, 4, 5), min_length=1, description="For TF-IDF, lengths of the character n-grams inside a word."
    )

    def check(self, inputs: dict[str, Modality]) -> None:
        """Raise ValueError where the inputs have no words to compare."""
        if self.lexical != "none" and set(inputs.values()) != {"text"}:
            raise ValueError("lexical: compares the words of questions and answers, but not both are texts; take none")
