"""Losses of both tasks; `settings` is what a config file says about them.

`match`: each is a pure function `(positive, scores) -> losses`, from a score matrix to one loss a row (see `pairs`),
with a thin `keras.losses.Loss` around it: `triplet` and `ranking`. `scores` makes the matrix, `negatives` chooses among
the wrong candidates.

`classify`: each is a pure function `(labels, …) -> losses`, one loss a row (see `rows`), and an `objective.Objective`
that owns the softmax head: `cross_entropy`, `center`, `contrastive` and `arcface`.

Only `settings` is imported here: it needs neither Keras nor TensorFlow. A new loss is a new file here and one line in
`settings.MatchLossSettings` or `settings.ClassifyLossSettings`.
"""

from components.losses.settings import (
    ArcFaceSettings,
    CenterSettings,
    ClassifyLossSettings,
    ContrastiveSettings,
    MatchLossSettings,
    NegativeStrategy,
    RankingSettings,
    SoftmaxSettings,
    TripletSettings,
)

__all__ = [
    "ArcFaceSettings",
    "CenterSettings",
    "ClassifyLossSettings",
    "ContrastiveSettings",
    "MatchLossSettings",
    "NegativeStrategy",
    "RankingSettings",
    "SoftmaxSettings",
    "TripletSettings",
]
