"""What a config file may say about a loss: typed, checked, free of Keras and TensorFlow."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from components.losses.objective import Objective
    from components.losses.pair_loss import PairLoss
    from components.losses.schedules import Growth

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


class GrowthSettings(_Settings):
    """Settings of `components.losses.schedules.Growth`."""

    start: float = Field(gt=0, description="If given, the margin at the first step; from there it grows to `margin`")
    steps: int | None = Field(default=None, ge=1, description="over so many steps,")
    epochs: int | None = Field(default=None, ge=1, description="or over so many epochs.")

    @model_validator(mode="after")
    def _check_duration(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either steps or epochs")
        return self

    def build(self, end: float) -> Growth:
        """The growth of these settings, to `end`."""
        from components.losses.schedules import Growth

        return Growth(self.start, end, steps=self.steps, epochs=self.epochs)


_GROWTH = Field(default=None, description="Lets the margin grow while it learns.")


class _PairSettings(_Settings, ABC):
    """What the settings of every match loss offer."""

    @abstractmethod
    def build(self) -> PairLoss:
        """The Keras loss of these settings."""


class _MarginSettings(_PairSettings):
    """Of a loss whose margin may grow."""

    @model_validator(mode="after")
    def _check_growth(self) -> Self:
        growth, end = (vars(self)[name] for name in ("margin_growth", "margin"))
        if growth and not (isinstance(end, float) and growth.start < end):
            raise ValueError(f"margin_growth: start is {growth.start}, margin {end}: it must be larger")
        return self


class TripletSettings(_MarginSettings):
    """Settings of `components.losses.triplet.CosineTriplet`."""

    type: Literal["cosine_triplet"] = Field(
        description="Each question must score its answer above a wrong one by a margin."
    )
    margin: Margin = Field(
        default=0.1,
        description='By how much the right cosine must exceed the wrong one: above 0, at most 2; or "soft", '
        "log(1 + exp(wrong - right)), which never stops pulling.",
    )
    margin_growth: GrowthSettings | None = _GROWTH
    negatives: NegativeStrategy = Field(
        default="random",
        description="Which wrong candidates of the batch count: random (one a question, drawn anew each step), all "
        "(their average), hardest (the best scored), semi_hard (the best scored below the right one).",
    )

    def build(self) -> PairLoss:
        """The Keras loss of these settings."""
        from components.losses.triplet import CosineTriplet

        margin = self.margin
        if self.margin_growth and isinstance(margin, float):
            return CosineTriplet(margin=self.margin_growth.build(margin), negatives=self.negatives)
        return CosineTriplet(margin=margin, negatives=self.negatives)


class RankingSettings(_PairSettings):
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

    def build(self) -> PairLoss:
        """The Keras loss of these settings."""
        from components.losses.ranking import MultipleNegativesRanking

        return MultipleNegativesRanking(scale=self.scale)


class InfoNCESettings(_PairSettings):
    """Settings of `components.losses.info_nce.InfoNCE`."""

    type: Literal["info_nce"] = Field(
        description="The same, at a temperature that is learnt with the rest; answers pick questions, too."
    )
    temperature: float = Field(
        default=0.05,
        gt=0.01,
        lt=1,
        description="What cosines are divided by before the softmax, above 0.01 and below 1; learning starts from it "
        "and stays within these bounds.",
    )
    learnt: bool = Field(default=True, description="Whether the temperature is learnt.")
    symmetric: bool = Field(default=True, description="Whether each answer must also pick its question of the batch.")

    def build(self) -> PairLoss:
        """The Keras loss of these settings."""
        from components.losses.info_nce import InfoNCE

        return InfoNCE(temperature=self.temperature, learnt=self.learnt, symmetric=self.symmetric)


class PairContrastiveSettings(_PairSettings):
    """Settings of `components.losses.pair_contrastive.PairContrastive`."""

    type: Literal["supervised_contrastive"] = Field(
        description="The same, but the right answers of a question compete with each other, too, so that "
        "all of them come equally near."
    )
    temperature: float = Field(
        default=0.1,
        gt=0,
        allow_inf_nan=False,
        description="What cosines are divided by before the softmax; smaller looks harder at the nearest wrong rows.",
    )

    def build(self) -> PairLoss:
        """The Keras loss of these settings."""
        from components.losses.pair_contrastive import PairContrastive

        return PairContrastive(temperature=self.temperature)


class CircleSettings(_MarginSettings):
    """Settings of `components.losses.circle.Circle`."""

    type: Literal["circle"] = Field(
        description="Right pairs are pulled to cosine 1, wrong ones pushed to 0, the harder the further off."
    )
    margin: float = Field(
        default=0.4, gt=0, lt=1, description="Right pairs shall score above 1 - margin, wrong ones below margin."
    )
    margin_growth: GrowthSettings | None = _GROWTH
    scale: float = Field(
        default=80.0, gt=0, allow_inf_nan=False, description="Larger looks harder at the pairs that are furthest off."
    )

    def build(self) -> PairLoss:
        """The Keras loss of these settings."""
        from components.losses.circle import Circle

        margin = self.margin_growth.build(self.margin) if self.margin_growth else self.margin
        return Circle(margin=margin, scale=self.scale)


class MultiSimilaritySettings(_PairSettings):
    """Settings of `components.losses.multi_similarity.MultiSimilarity`."""

    type: Literal["multi_similarity"] = Field(
        description="Wrong pairs that score near the worst right one are pushed below a threshold, right pairs that "
        "score near the best wrong one pulled above."
    )
    pull: float = Field(
        default=2.0, gt=0, allow_inf_nan=False, description="How hard it looks at the right pairs furthest below."
    )
    push: float = Field(
        default=50.0, gt=0, allow_inf_nan=False, description="How hard it looks at the wrong pairs furthest above."
    )
    threshold: float = Field(default=0.5, gt=-1, le=1, description="The cosine that right and wrong pairs lie around.")
    slack: float = Field(
        default=0.1, ge=0, le=2, description="By how much a pair may score on the safe side and still count."
    )

    def build(self) -> PairLoss:
        """The Keras loss of these settings."""
        from components.losses.multi_similarity import MultiSimilarity

        return MultiSimilarity(pull=self.pull, push=self.push, threshold=self.threshold, slack=self.slack)


MatchLossSettings = Annotated[
    TripletSettings
    | RankingSettings
    | InfoNCESettings
    | PairContrastiveSettings
    | CircleSettings
    | MultiSimilaritySettings,
    Field(discriminator="type"),
]


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


class PairsSettings(_Settings):
    """Settings of `components.losses.pairs_objective.SoftmaxWithPairs`."""

    type: Literal["softmax_with_pairs"] = Field(
        description="Softmax cross-entropy, and a loss on the cosines between the rows of a batch; pairs of one class "
        "are the right ones."
    )
    smoothing: float = Field(default=0.0, ge=0, lt=1, description=_SMOOTHING)
    weight: float = Field(default=1.0, ge=0, allow_inf_nan=False, description="Of the loss on pairs in the total.")
    pairs: CircleSettings | MultiSimilaritySettings = Field(discriminator="type", description="The loss on pairs.")

    def build(self, classes: int, dimensions: int) -> Objective:
        """The objective of these settings for features of so many dimensions."""
        from components.losses.pairs_objective import SoftmaxWithPairs

        return SoftmaxWithPairs(
            classes, dimensions, smoothing=self.smoothing, pairs=self.pairs.build(), weight=self.weight
        )


ClassifyLossSettings = Annotated[
    SoftmaxSettings | CenterSettings | ContrastiveSettings | ArcFaceSettings | PairsSettings,
    Field(discriminator="type"),
]
