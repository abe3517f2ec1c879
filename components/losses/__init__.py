"""Losses of both tasks; `settings` is what a config file says about them.

`match`: each is a pure function `(positive, scores) -> losses`, from a score matrix to one loss a row (see `pairs`),
with a thin `pair_loss.PairLoss` around it: `triplet`, `ranking`, `info_nce`, `pair_contrastive`, `circle` and
`multi_similarity`; `matryoshka` wraps any of them. `scores` makes the matrix, `negatives` chooses among the wrong
candidates, `temperature` is learnt with a model, `schedules` follow its training.

`classify`: each is a pure function `(labels, …) -> losses`, one loss a row (see `rows`), and an `objective.Objective`
that owns the softmax head: `cross_entropy`, `center`, `contrastive`, `arcface`, and `pairs_objective`, which adds any
match loss between the rows of a batch.

Only `settings` is imported here: it needs neither Keras nor TensorFlow. A new loss is a new file here and one line in
`settings.MatchLossSettings` or `settings.ClassifyLossSettings`.
"""

from components.losses.settings import (
    ArcFaceSettings,
    CenterSettings,
    CircleSettings,
    ClassifyLossSettings,
    ContrastiveSettings,
    GrowthSettings,
    InfoNCESettings,
    MatchLossSettings,
    MultiSimilaritySettings,
    NegativeStrategy,
    PairContrastiveSettings,
    PairsSettings,
    RankingSettings,
    SoftmaxSettings,
    TripletSettings,
)

__all__ = [
    "ArcFaceSettings",
    "CenterSettings",
    "CircleSettings",
    "ClassifyLossSettings",
    "ContrastiveSettings",
    "GrowthSettings",
    "InfoNCESettings",
    "MatchLossSettings",
    "MultiSimilaritySettings",
    "NegativeStrategy",
    "PairContrastiveSettings",
    "PairsSettings",
    "RankingSettings",
    "SoftmaxSettings",
    "TripletSettings",
]
