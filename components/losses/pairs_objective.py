"""Any match loss as a term of a classifier: within a batch, rows of one class are the right pairs."""

from collections.abc import Sequence
from typing import Any, Self

import keras
from keras import ops

from components.losses.cross_entropy import Softmax
from components.losses.objective import check_weight
from components.losses.pair_loss import PairLoss
from components.losses.pairs import Tensor
from components.losses.rows import as_rows
from components.losses.schedules import Growth
from components.losses.scores import cosine_scores


def pairs_within(labels: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
    """Every row of a batch against all of the others.

    Args:
        labels: `int[B]`, any numbers.
        features: `float[B, D]`, of any length; narrower than float32 is computed in float32.

    Returns:
        `positive: bool[B, B - 1]`, whether the two are of one class, and `scores: float[B, B - 1]`, their cosine.

    Raises:
        ValueError: If the shapes do not fit.

    Example:
        >>> positive, scores = pairs_within([5, 7, 5], [[1.0, 0.0], [0.0, 2.0], [4.0, 3.0]])
        >>> positive.numpy().tolist()
        [[False, True], [False, False], [True, False]]
        >>> scores.numpy().round(3)
        array([[0. , 0.8],
               [0. , 0.6],
               [0.8, 0.6]], dtype=float32)
    """
    labels, features = as_rows(labels, features, "features")
    same = labels[:, None] == labels[None, :]
    return _without_diagonal(same), _without_diagonal(cosine_scores(features, features))


def _without_diagonal(square: Tensor) -> Tensor:
    """`[B, B - 1]` of `[B, B]`: after the first cell, each cell of the diagonal is the last of B + 1."""
    rows = ops.shape(square)[0]
    rest = ops.reshape(ops.reshape(square, (-1,))[1:], (rows - 1, rows + 1))[:, :-1]
    return ops.reshape(rest, (rows, rows - 1))


@keras.saving.register_keras_serializable(package="anchorline")
class SoftmaxWithPairs(Softmax):
    """Softmax cross-entropy and a match loss between the rows of the batch: the term `"pairs"`.

    Args:
        classes: How many there are.
        dimensions: The size of a feature vector.
        pairs: The match loss.
        smoothing: Of the cross-entropy.
        weight: Of the match loss in the total, at least 0.
        name: Of the layer.
    """

    def __init__(
        self,
        classes: int,
        dimensions: int,
        *,
        pairs: PairLoss,
        smoothing: float = 0.0,
        weight: float = 1.0,
        name: str | None = None,
    ) -> None:
        super().__init__(classes, dimensions, smoothing=smoothing, name=name)
        check_weight(weight)
        self.pairs = pairs
        self.weight = weight
        self.pairs_parts = list(pairs.parts)

    @property
    def term_weights(self) -> dict[str, float]:
        """Cross-entropy and `"pairs"`."""
        return {**super().term_weights, "pairs": self.weight}

    @property
    def schedules(self) -> Sequence[Growth]:
        """Those of the match loss."""
        return self.pairs.schedules

    def terms(self, features: Tensor, labels: Tensor, training: bool = False) -> dict[str, Tensor]:
        """Smoothed cross-entropy and the match loss within the batch."""
        features = ops.cast(features, self.compute_dtype)
        between = self.pairs.call(*pairs_within(labels, features))
        return {**super().terms(features, labels, training), "pairs": between}

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "pairs": keras.losses.serialize(self.pairs), "weight": self.weight}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """An objective like the one whose `get_config` this was."""
        return cls(**{**config, "pairs": keras.losses.deserialize(config["pairs"])})
