"""Which wrong candidates of a row a loss looks at."""

from collections.abc import Callable

import keras
from keras import ops

from components.losses.pairs import Pairs, Tensor, as_pairs, row_mean, uniform_weights
from components.losses.settings import NegativeStrategy

type Seed = int | keras.random.SeedGenerator | None


def select_negatives(scores: Tensor, positive: Tensor, strategy: NegativeStrategy, seed: Seed = None) -> Tensor:
    """Weights that average a loss over the chosen negatives of each row.

    - `random`: one negative a row, uniformly, drawn anew at each call.
    - `all`: every negative, equally.
    - `hardest`: the negative with the largest score.
    - `semi_hard`: the negative with the largest score strictly below the positive's (the mean, if there are several);
      if none scores below, the one with the smallest score. So it is the negative just below the positive or else the
      nearest from above: starting with the hardest tends to collapse (Schroff et al. 2015, FaceNet, section 3.2).
      It takes no margin: a negative further below than the margin costs a margin loss nothing.

    Where several negatives share the chosen score, the first is taken.

    Args:
        scores: `float[B, C]`, finite.
        positive: `bool` or numbers, `[B, C]`, above 0 where the candidate is right for the row; see `as_pairs`.
        strategy: One of the names above.
        seed: Of `random` alone. A `keras.random.SeedGenerator` moves on at each call, also within a `tf.function`; None
            means Keras's own, which `keras.utils.set_random_seed` sets; an integer gives the same draw at every call.

    Returns:
        `float[B, C]`, 0 on positives; each row sums to 1, or to 0 where it has no negative or no positive.

    Raises:
        ValueError: If the strategy is unknown or the two matrices differ in shape.

    Example:
        >>> scores, positive = [[0.5, 0.9, 0.2], [0.1, 0.3, 0.2]], [[1, 0, 0], [0, 1, 0]]
        >>> select_negatives(scores, positive, "hardest").numpy().tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
        >>> select_negatives(scores, positive, "semi_hard").numpy().tolist()
        [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    """
    check_strategy(strategy)
    return _STRATEGIES[strategy](as_pairs(positive, scores), seed)


def check_strategy(strategy: str) -> None:
    """Raises a `ValueError` that lists the strategies unless `strategy` is one of them."""
    if strategy not in _STRATEGIES:
        raise ValueError(f"negatives is {strategy!r}: it must be one of {', '.join(map(repr, _STRATEGIES))}")


def _random(pairs: Pairs, seed: Seed) -> Tensor:
    draws = keras.random.uniform(ops.shape(pairs.scores), dtype="float32", seed=seed)
    return _largest(ops.cast(draws, pairs.scores.dtype), pairs.negative)


def _all(pairs: Pairs, _: Seed) -> Tensor:
    return uniform_weights(pairs.negative, pairs.scores.dtype)


def _hardest(pairs: Pairs, _: Seed) -> Tensor:
    return _largest(pairs.scores, pairs.negative)


def _semi_hard(pairs: Pairs, _: Seed) -> Tensor:
    below = ops.logical_and(pairs.negative, pairs.scores < row_mean(pairs.scores, pairs.positive))
    return ops.where(
        ops.any(below, axis=1, keepdims=True),
        _largest(pairs.scores, below),
        _largest(-pairs.scores, pairs.negative),
    )


def _largest(values: Tensor, among: Tensor) -> Tensor:
    """A 1 at the largest of each row of `values` where `among` is true; a row of zeros where it is nowhere true."""
    index = ops.argmax(ops.where(among, values, -float("inf")), axis=1)
    return ops.one_hot(index, ops.shape(values)[1], dtype=values.dtype) * ops.cast(among, values.dtype)


_STRATEGIES: dict[str, Callable[[Pairs, Seed], Tensor]] = {
    "random": _random,
    "all": _all,
    "hardest": _hardest,
    "semi_hard": _semi_hard,
}
