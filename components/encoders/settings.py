"""Settings of every encoder, and the choice between them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from components.parts import Modality
from components.pictures.settings import Augmentation

if TYPE_CHECKING:
    from components.encoders.tower import Tower

NgramLength = Annotated[int, Field(ge=1, le=100)]
Filters = Annotated[int, Field(ge=1, le=4096)]
Side = Annotated[int, Field(ge=4, le=1024)]


class Settings(BaseModel, ABC):
    """What every encoder's settings offer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    modality: ClassVar[Modality]
    """What the encoder reads."""

    learning_rate: ClassVar[float]
    """What suits the encoder, with Adam."""

    least_steps: ClassVar[int] = 1
    """Fewer steps than this are no epoch, however few rows there are."""

    type: str

    @property
    @abstractmethod
    def vector_size(self) -> int:
        """Size of a vector."""

    @abstractmethod
    def build(self, names: Sequence[str], vocabulary_file: str) -> dict[str, Tower]:
        """Towers for each of `names`, which share what they can.

        Args:
            names: the parts of a row to encode, such as question and answer.
            vocabulary_file: the Transform step's tokens, one a line; read by text encoders alone.
        """


class BagSettings(Settings):
    """Bag of words and character n-grams that starts as TF-IDF and learns which terms matter; good on small data."""

    modality = "text"
    learning_rate = 0.02

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

    @property
    def vector_size(self) -> int:
        """Size of a vector."""
        return self.dimensions

    def build(self, names: Sequence[str], vocabulary_file: str) -> dict[str, Tower]:
        """Towers with one lexicon; `vocabulary_file` is not needed, terms are hashed."""
        from components.encoders.bag import build_towers

        del vocabulary_file
        return build_towers(self, names)


class EmbeddingBagSettings(Settings):
    """Sum of word embeddings, weighted by TF-IDF; quick and hard to beat where topics are told apart."""

    modality = "text"
    learning_rate = 0.002

    type: Literal["embedding_bag"] = Field(
        default="embedding_bag", description="`embedding_bag`: sum of word embeddings, weighted by TF-IDF."
    )
    dimensions: int = Field(default=64, ge=2, le=16_384, description="Size of an embedding and of a vector.")
    buckets: int = Field(default=2**16, ge=2**8, le=2**24, description="Words are hashed into so many buckets.")
    word_dropout: float = Field(default=0.3, ge=0, lt=1, description="Share of a text's words dropped in training.")

    @property
    def vector_size(self) -> int:
        """Size of a vector."""
        return self.dimensions

    def build(self, names: Sequence[str], vocabulary_file: str) -> dict[str, Tower]:
        """Towers with embeddings of their own; `vocabulary_file` is not needed, words are hashed."""
        from components.encoders.embedding_bag import build_towers

        del vocabulary_file
        return build_towers(self, names)


class LstmSettings(Settings):
    """Embedding and LSTM, shared by both towers of a pair; the question passes one more dense layer."""

    modality = "text"
    learning_rate = 0.002

    type: Literal["lstm"] = Field(default="lstm", description="`lstm`: embedding and LSTM shared by both towers.")
    embedding: int = Field(default=128, ge=1, description="Size of a token's embedding.")
    units: int = Field(default=64, ge=1, description="Size of the LSTM and of a vector.")
    max_tokens: int = Field(default=128, ge=1, description="Longer texts are cut.")

    @property
    def vector_size(self) -> int:
        """Size of a vector."""
        return self.units

    def build(self, names: Sequence[str], vocabulary_file: str) -> dict[str, Tower]:
        """Towers over the Transform step's vocabulary."""
        from components.encoders.lstm import build_towers

        return build_towers(self, names, vocabulary_file)


class _PictureSettings(Settings):
    """What every encoder of pictures can be told."""

    modality = "image"
    least_steps = 25  # moving averages need them

    dimensions: int = Field(default=64, ge=2, le=16_384, description="Size of a vector.")
    size: tuple[Side, Side] = Field(
        default=(64, 64), description="Height and width to which pictures are stretched, in pixels."
    )
    channels: Literal[1, 3] = Field(default=3, description="3 for colours, 1 for shades of grey.")
    augmentation: Augmentation = Field(
        default=Augmentation(), description="Changes that a picture may undergo while it is learnt."
    )

    @property
    def vector_size(self) -> int:
        """Size of a vector."""
        return self.dimensions

    def build(self, names: Sequence[str], vocabulary_file: str) -> dict[str, Tower]:
        """Towers that share their convolutions; they need no vocabulary."""
        from components.encoders.cnn import build_towers

        del vocabulary_file
        return build_towers(self, names)  # type: ignore[arg-type]


class CnnSettings(_PictureSettings):
    """Blocks of two normalised convolutions; the default for pictures."""

    learning_rate = 0.001

    type: Literal["cnn"] = Field(default="cnn", description="`cnn`: blocks of two normalised convolutions.")
    filters: tuple[Filters, ...] = Field(
        default=(16, 32, 64), min_length=1, description="Filters of each block; each halves height and width."
    )
    dropout: float = Field(default=0.2, ge=0, lt=1, description="Share of numbers dropped before the last layer.")


class LenetSettings(_PictureSettings):
    """Two convolutions and a dense layer; the historical baseline."""

    learning_rate = 0.001

    type: Literal["lenet"] = Field(default="lenet", description="`lenet`: two convolutions, the historical baseline.")
    dimensions: int = Field(default=32, ge=2, le=16_384, description="Size of a vector.")


EncoderSettings = Annotated[
    BagSettings | EmbeddingBagSettings | LstmSettings | CnnSettings | LenetSettings, Field(discriminator="type")
]
