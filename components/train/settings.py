"""Settings of the Trainer step."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from components.encoders.settings import EncoderSettings
from components.parts import Modality, Side
from components.search.settings import IndexSettings, SearchSettings
from components.tasks.settings import ClassifySettings, MatchSettings
from components.train.signal_settings import ClozeSettings, HardNegativeSettings, SamplerSettings

Distribute = Literal["none", "mirrored", "multi_worker"]
Weights = Literal["float32", "float16", "int8"]


@contextmanager
def said_of(where: str) -> Iterator[None]:
    """Puts the place in the config in front of what a check says."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{where}{error}") from None


class ExportSettings(BaseModel):
    """How a trained model is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weights: Weights = Field(
        default="float32",
        description="How large weights are stored: `float16` halves a model on disk, `int8` quarters it, with a scale "
        "for each channel; they are widened when it is loaded. The gates judge the model that was written.",
    )


class MatchExportSettings(ExportSettings):
    """How a trained `match` model is written."""

    dimensions: int | None = Field(
        default=None,
        ge=1,
        description="Vectors are cut to their first so many numbers and scaled to length 1 again; "
        "`model.nested_dimensions` trains for it.",
    )


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


class MatchTrainSettings(TrainSettings):
    """For `match`, and what is learnt from beside the pairs."""

    inverse_cloze: ClozeSettings | None = Field(
        default=None, description="Pairs made of candidates alone, so that every candidate is learnt from."
    )
    word_dropout: float = Field(
        default=0.0, ge=0, lt=1, description="Share of the words of questions and answers dropped in training."
    )
    span_dropout: float = Field(
        default=0.0, ge=0, lt=1, description="Up to this share of a text's words, in one run, is dropped in training."
    )
    hard_negatives: HardNegativeSettings | None = Field(
        default=None, description="Wrong candidates that the encoder takes for right, searched for before each epoch."
    )
    memory: int | None = Field(
        default=None, ge=1, le=1_000_000, description="So many candidates of earlier batches are negatives, too."
    )
    micro_batch: int | None = Field(
        default=None,
        ge=1,
        description="Encode so many rows of a batch at once: the memory of a small batch, the gradients of the large.",
    )

    @model_validator(mode="after")
    def _check_one_process(self) -> Self:
        for key in ("hard_negatives", "memory", "micro_batch"):
            if self.distribute != "none" and getattr(self, key) is not None:
                raise ValueError(f"{key} does not work with distribute: {self.distribute}; leave one of them out")
        return self

    def check(self, encoders: Mapping[Side, EncoderSettings]) -> None:
        """Whether the signals suit the encoder of each side.

        Raises:
            ValueError: a signal of texts is wanted of pictures, or micro-batches of what is normalised by the batch.
        """
        pictures = [side for side, encoder in encoders.items() if encoder.modality == "image"]
        if self.inverse_cloze and pictures:
            raise ValueError(f"inverse_cloze makes questions of pieces of texts, but {pictures[0]} is a picture")
        if (self.word_dropout or self.span_dropout) and len(pictures) == len(encoders):
            raise ValueError("word_dropout and span_dropout are for texts, but question and answer are pictures")
        normalised = [encoder.type for encoder in encoders.values() if encoder.normalises_by_batch]
        if self.micro_batch and normalised:
            raise ValueError(f"micro_batch does not work with {normalised[0]}, which normalises by the whole batch")


class ClassifyTrainSettings(TrainSettings):
    """For `classify`, and how rows are chosen."""

    sampler: SamplerSettings | None = Field(
        default=None,
        description="Batches of a few labels with several rows each, all labels equally often, instead of random rows.",
    )

    @model_validator(mode="after")
    def _check_sampler(self) -> Self:
        if self.sampler is None:
            return self
        rows = self.sampler.classes * self.sampler.examples
        if rows != self.batch_size:
            raise ValueError(
                f"sampler has {self.sampler.classes} classes of {self.sampler.examples} examples, {rows} rows, but"
                f" batch_size is {self.batch_size}; they must be the same"
            )
        if self.distribute != "none":
            raise ValueError(f"sampler does not work with distribute: {self.distribute}; leave one of them out")
        return self


class _TrainerSettings(BaseModel):
    """What `run_fn` needs to know whatever the task; travels to the step as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inputs: dict[str, Modality]
    train: TrainSettings
    model: MatchSettings | ClassifySettings
    seed: int

    @property
    def files(self) -> tuple[Path, ...]:
        """What the encoders are made of beside the settings."""
        return tuple(file for encoder in self.model.encoders(self.inputs).values() for file in encoder.files)

    def check(self) -> None:
        """Whether what is allowed by itself goes together.

        Raises:
            ValueError: it does not; the text begins with the key.
        """
        with said_of("model: "):
            self.model.encoders(self.inputs)


class MatchTrainer(_TrainerSettings):
    """For `match`."""

    task: Literal["match"] = "match"
    train: MatchTrainSettings
    model: MatchSettings
    candidates: int = Field(ge=1, description="How many candidates `search` returns.")
    export: MatchExportSettings = MatchExportSettings()
    index: IndexSettings = IndexSettings()
    search: SearchSettings = SearchSettings()

    def check(self) -> None:
        """Whether what is allowed by itself goes together: signals, sizes of vectors and TF-IDF as well."""
        super().check()
        with said_of("train."):
            self.train.check(self.model.encoders(self.inputs))
        with said_of("model: "):
            self.model.sizes(self.inputs)
        wanted, whole = self.export.dimensions, self.model.vector_size(self.inputs)
        if wanted and wanted > whole:
            raise ValueError(f"export.dimensions: got {wanted}; vectors have {whole} numbers, it can be no more")
        with said_of("search."):
            self.search.check(self.inputs)


class ClassifyTrainer(_TrainerSettings):
    """For `classify`."""

    task: Literal["classify"] = "classify"
    train: ClassifyTrainSettings
    model: ClassifySettings
    neighbors: int = Field(ge=1, description="How many neighbours `neighbors` returns.")
    export: ExportSettings = ExportSettings()
    index: IndexSettings = IndexSettings()


type TrainerSettings = MatchTrainer | ClassifyTrainer


def parse_settings(text: str) -> TrainerSettings:
    """Settings from their JSON."""
    union = Annotated[MatchTrainer | ClassifyTrainer, Field(discriminator="task")]
    return TypeAdapter(union).validate_json(text)
