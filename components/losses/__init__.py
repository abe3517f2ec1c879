"""Losses of the `match` task.

Each is a pure function `(positive, scores) -> losses`, from a score matrix to one loss a row (see `pairs`), with a thin
`keras.losses.Loss` around it: `triplet` and `ranking`. `scores` makes the matrix, `negatives` chooses among the wrong
candidates, and `settings`, the only module imported here because it needs neither Keras nor TensorFlow, is what a
config file says about a loss. A new loss is a new file here and one line in `settings.LossSettings`.
"""

from components.losses.settings import LossSettings, NegativeStrategy, RankingSettings, TripletSettings

__all__ = ["LossSettings", "NegativeStrategy", "RankingSettings", "TripletSettings"]
