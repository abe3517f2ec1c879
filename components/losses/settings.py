"""What a config file may say about a loss: typed, checked, free of Keras and TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import keras

NegativeStrategy = Literal["random", "all", "hardest", "semi_hard"]


def _margin_within_cosines(margin: float | str) -> float | str:
    if isinstance(margin, float) and not 0 < margin <= 2:  # noqa: PLR2004  cosines differ by at most 2
        raise ValueError(f"{margin} is not above 0 and at most 2; two cosines differ by at most 2")
    return margin


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


LossSettings = Annotated[TripletSettings | RankingSettings, Field(discriminator="type")]
