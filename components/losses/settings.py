"""What a config file may say about a loss: typed, checked, free of Keras and TensorFlow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import keras

    from components.losses.objective import Objective

NegativeStrategy = Literal["random", "all", "hardest", "semi_hard"]


def _margin_within_cosines(margin: float | str) -> float | str:
    if isinstance(margin, float) and not 0 < margin <= 2:  # noqa: PLR2004  cosines differ by at most 2
        raise ValueError(f"{margin} is not above 0 and at most 2; two cosines differ by at most 2")
    return margin


_SMOOTHING = (
    "The part of each label that is shared equally by all classes: from 0, the plain label, to below 1; more makes "
    "the classifier less sure of itself."
)

Margin = Annotated[float | Literal["soft"], AfterValidator(_margin_within_cosines)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TripletSettings(_Settings):
    """Settings of `components.losses.triplet.CosineTriplet`."""

    type: Literal["cosine_triplet"] = Field(
        description="Each question must score its answer above a wrong one by a margin."
    )
    margin: Margin = Field(
        default=0.1,
        description='By how much the right cosine must exceed the wrong one: above 0, at most 2; or "soft", '
        "log(1 + exp(wrong - right)), which never stops pulling.",
    )
    negatives: NegativeStrategy = Field(
        default="random",
        description="Which wrong candidates of the batch count: random (one a question, drawn anew each step), all "
        "(their average), hardest (the best scored), semi_hard (the best scored below the right one).",
    )

    def build(self) -> keras.losses.Loss:
        """The Keras loss of these settings."""
        from components.losses.triplet import CosineTriplet

        return CosineTriplet(margin=self.margin, negatives=self.negatives)


class RankingSettings(_Settings):
    """Settings of `components.losses.ranking.MultipleNegativesRanking`."""

    type: Literal["multiple_negatives_ranking"] = Field(
        description="Cross-entropy of picking the right answer among all candidates of the batch."
    )
    scale: float = Field(
        default=20.0,
        gt=0,
        allow_inf_nan=False,
        description="What cosines are multiplied by before the softmax (1 / temperature); larger looks harder at the "
        "wrong answers that score best.",
    )

    def build(self) -> keras.losses.Loss:
        """The Keras loss of these settings."""
        from components.losses.ranking import MultipleNegativesRanking

        return MultipleNegativesRanking(scale=self.scale)


MatchLossSettings = Annotated[TripletSettings | RankingSettings, Field(discriminator="type")]


class SoftmaxSettings(_Settings):
    """Settings of `components.losses.cross_entropy.Softmax`."""

    type: Literal["softmax"] = Field(description="Cross-entropy of a softmax; `smoothing` may smooth the labels.")
    smoothing: float = Field(default=0.0, ge=0, lt=1, description=_SMOOTHING)

    def build(self, classes: int, dimensions: int) -> Objective:
        """The objective of these settings for features of so many dimensions."""
        from components.losses.cross_entropy import Softmax

        return Softmax(classes, dimensions, smoothing=self.smoothing)


class CenterSettings(_Settings):
    """Settings of `components.losses.center.SoftmaxWithCenters`."""

    type: Literal["center"] = Field(
        description="Softmax cross-entropy, and each feature is pulled to the centre of its class: neighbours of one "
        "class come close together."
    )
    smoothing: float = Field(default=0.0, ge=0, lt=1, description=_SMOOTHING)
    weight: float = Field(
        default=0.2, ge=0, allow_inf_nan=False, description="Of the squared distance to the centre in the total."
    )
    rate: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="How far a step moves a centre to the mean of its features, without gradient; by default the "
        "centres are trained with the rest.",
    )

    def build(self, classes: int, dimensions: int) -> Objective:
        """The objective of these settings for features of so many dimensions."""
        from components.losses.center import SoftmaxWithCenters

        return SoftmaxWithCenters(classes, dimensions, smoothing=self.smoothing, weight=self.weight, rate=self.rate)


class ContrastiveSettings(_Settings):
    """Settings of `components.losses.contrastive.SoftmaxWithContrast`."""

    type: Literal["supervised_contrastive"] = Field(
        description="Softmax cross-entropy, and rows of one class must be nearer by cosine than rows of the others."
    )
    smoothing: float = Field(default=0.0, ge=0, lt=1, description=_SMOOTHING)
    temperature: float = Field(
        default=0.1,
        gt=0,
        allow_inf_nan=False,
        description="What cosines are divided by before the softmax; smaller looks harder at the nearest wrong rows.",
    )
    weight: float = Field(default=1.0, ge=0, allow_inf_nan=False, description="Of the contrastive loss in the total.")

    def build(self, classes: int, dimensions: int) -> Objective:
        """The objective of these settings for features of so many dimensions."""
        from components.losses.contrastive import SoftmaxWithContrast

        return SoftmaxWithContrast(
            classes, dimensions, smoothing=self.smoothing, temperature=self.temperature, weight=self.weight
        )


class ArcFaceSettings(_Settings):
    """Settings of `components.losses.arcface.ArcFace`."""

    type: Literal["arcface"] = Field(
        description="Cross-entropy on cosines; the right class must win although its angle is widened by a margin."
    )
    scale: float = Field(
        default=30.0,
        gt=0,
        allow_inf_nan=False,
        description="What cosines are multiplied by before the softmax; the paper's 64 suits thousands of classes.",
    )
    margin: float = Field(
        default=0.5,
        ge=0,
        lt=math.pi / 2,
        description="Radians added to the angle between a feature and its class; 0.5 is 28.6 degrees.",
    )

    def build(self, classes: int, dimensions: int) -> Objective:
        """The objective of these settings for features of so many dimensions."""
        from components.losses.arcface import ArcFace

        return ArcFace(classes, dimensions, scale=self.scale, margin=self.margin)


ClassifyLossSettings = Annotated[
    SoftmaxSettings | CenterSettings | ContrastiveSettings | ArcFaceSettings, Field(discriminator="type")
]
