"""Settings of every encoder, and the choice between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from components.encoders.tower import Tower

Side = Literal["question", "answer"]
NgramLength = Annotated[int, Field(ge=1, le=100)]


class BagSettings(BaseModel):
    """Bag of words and character n-grams that starts as TF-IDF and learns which terms matter; good on small data."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    learning_rate: ClassVar[float] = 0.02

    type: Literal["bag"] = Field(default="bag", description="`bag`: words and character n-grams with learned weights.")
    dimensions: int = Field(default=1024, ge=8, le=16_384, description="Size of a vector.")
    buckets: int = Field(default=2**18, ge=2**10, le=2**24, description="Terms are hashed into so many buckets.")
    ngrams: tuple[NgramLength, ...] = Field(
        default=(3, 4, 5), min_length=1, description="Lengths of the character n-grams inside a word."
    )
    weight_decay: float = Field(
        default=1e-3, ge=0, allow_inf_nan=False, description="Pull of the learned term weights towards TF-IDF."
    )
    term_dropout: float = Field(default=0.2, ge=0, lt=1, description="Share of a text's terms dropped in training.")

    def build(self, vocabulary_file: str) -> dict[Side, Tower]:
        """The two towers; `vocabulary_file` is not needed, terms are hashed."""
        from components.encoders.bag import build_towers

        del vocabulary_file
        return build_towers(self)


class LstmSettings(BaseModel):
    """Embedding and LSTM shared by both towers; the question passes one more dense layer."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    learning_rate: ClassVar[float] = 0.002

    type: Literal["lstm"] = Field(default="lstm", description="`lstm`: embedding and LSTM shared by both towers.")
    embedding: int = Field(default=128, ge=1, description="Size of a token's embedding.")
    units: int = Field(default=64, ge=1, description="Size of the LSTM and of a vector.")
    max_tokens: int = Field(default=128, ge=1, description="Longer texts are cut.")

    def build(self, vocabulary_file: str) -> dict[Side, Tower]:
        """The two towers over the Transform step's vocabulary."""
        from components.encoders.lstm import build_towers

        return build_towers(self, vocabulary_file)


EncoderSettings = Annotated[BagSettings | LstmSettings, Field(discriminator="type")]
