"""What a config says about the model of each task: which encoders, and which loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from components.encoders.settings import BagSettings, CnnSettings, EmbeddingBagSettings, EncoderSettings
from components.losses.settings import ClassifyLossSettings, MatchLossSettings, RankingSettings, SoftmaxSettings
from components.parts import Modality, Side

if TYPE_CHECKING:
    from components.encoders.tower import Tower
    from components.losses.pair_loss import PairLoss


type Encoders = Mapping[Modality, EncoderSettings]

_MATCHING: Encoders = {"text": BagSettings(), "image": CnnSettings()}
_CLASSIFYING: Encoders = {"text": EmbeddingBagSettings(), "image": CnnSettings()}


class MatchSettings(BaseModel):
    """Two towers and what pulls pairs together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: EncoderSettings | None = Field(
        default=None,
        description="How a question and an answer become vectors; by default `bag` for texts, `cnn` for pictures.",
    )
    question_encoder: EncoderSettings | None = Field(
        default=None, description="In its place one for each side: this for questions,"
    )
    answer_encoder: EncoderSettings | None = Field(
        default=None, description="this for answers, with vectors of the same size."
    )
    loss: MatchLossSettings = Field(
        default=RankingSettings(type="multiple_negatives_ranking"),
        description="What pulls pairs together and the rest apart.",
    )

    nested_dimensions: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(),
        description="The first so many numbers of a vector learn to be vectors themselves, to which "
        "`export.dimensions` may cut it.",
    )

    def sizes(self, inputs: Mapping[str, Modality]) -> tuple[int, ...]:
        """At how many of a vector's first numbers it is trained, the largest first; none, if only as a whole.

        Raises:
            ValueError: a vector has no more numbers than one of them.
        """
        if not self.nested_dimensions:
            return ()
        whole = self.vector_size(inputs)
        if max(self.nested_dimensions) >= whole:
            raise ValueError(
                f"nested_dimensions has {max(self.nested_dimensions)}; vectors have {whole} numbers, it must be less"
            )
        return (whole, *sorted(set(self.nested_dimensions), reverse=True))

    def vector_size(self, inputs: Mapping[str, Modality]) -> int:
        """How many numbers a vector has."""
        return self.encoders(inputs)["question"].vector_size

    def build_loss(self, inputs: Mapping[str, Modality]) -> PairLoss:
        """The loss, at all sizes."""
        from components.losses.matryoshka import Matryoshka

        loss = self.loss.build()
        return Matryoshka(loss) if self.sizes(inputs) else loss

    def encoders(self, inputs: Mapping[str, Modality]) -> dict[Side, EncoderSettings]:
        """The encoder of each side.

        Raises:
            ValueError: what was given does not fit together, or does not read these inputs.
        """
        question, answer = self.question_encoder, self.answer_encoder
        if question is None and answer is None:
            both = self.encoder or _MATCHING[inputs["question"]]
            if self.encoder is None and inputs["question"] != inputs["answer"]:
                raise ValueError("question and answer differ in kind; give question_encoder and answer_encoder")
            return {side: _reading(both, "encoder", side, inputs[side]) for side in ("question", "answer")}
        if question is None or answer is None or self.encoder is not None:
            raise ValueError("give either encoder, or both question_encoder and answer_encoder")
        if question.vector_size != answer.vector_size:
            raise ValueError(
                f"question_encoder makes vectors of {question.vector_size} numbers and answer_encoder of"
                f" {answer.vector_size}; they must be the same"
            )
        return {
            "question": _reading(question, "question_encoder", "question", inputs["question"]),
            "answer": _reading(answer, "answer_encoder", "answer", inputs["answer"]),
        }

    def build(self, inputs: Mapping[str, Modality], vocabulary_file: str) -> list[dict[str, Tower]]:
        """The towers of both sides, in groups that share an encoder."""
        encoders = self.encoders(inputs)
        groups: Sequence[Sequence[Side]] = [["question", "answer"]]
        if self.question_encoder is not None:
            groups = [["question"], ["answer"]]
        return [encoders[group[0]].build(group, vocabulary_file) for group in groups]


class ClassifySettings(BaseModel):
    """One encoder, and what its features are trained on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: EncoderSettings | None = Field(
        default=None,
        description="How an input becomes a vector; by default `embedding_bag` for texts, `cnn` for pictures.",
    )
    loss: ClassifyLossSettings = Field(
        default=SoftmaxSettings(type="softmax"), description="What separates the classes."
    )

    def encoders(self, inputs: Mapping[str, Modality]) -> dict[str, EncoderSettings]:
        """The encoder of the one input.

        Raises:
            ValueError: it does not read this input.
        """
        ((name, modality),) = inputs.items()
        return {name: _reading(self.encoder or _CLASSIFYING[modality], "encoder", "the input", modality)}


def _reading(encoder: EncoderSettings, key: str, what: str, modality: Modality) -> EncoderSettings:
    if encoder.modality != modality:
        reads = "texts" if encoder.modality == "text" else "pictures"
        given = "a text" if modality == "text" else "a picture"
        raise ValueError(f"{key} is {encoder.type}, which reads {reads}, but {what} is {given}")
    return encoder
