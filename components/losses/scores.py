"""The one similarity of training, evaluation and serving: the cosine."""

from keras import ops

from components.losses.pairs import Tensor, to_float

_TINY = 1e-24  # squared length; below it the gradient's 1 / length ** 3 leaves float32


def unit_vectors(vectors: Tensor) -> Tensor:
    """Scales each vector to length 1; a zero vector stays zero, and its gradient is finite.

    Args:
        vectors: `float[B, D]`; narrower than float32 is computed in float32.

    Returns:
        `float[B, D]`.
    """
    vectors = to_float(vectors)
    square = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    return vectors * ops.rsqrt(ops.where(square > _TINY, square, ops.ones_like(square)))


def cosine_scores(questions: Tensor, candidates: Tensor) -> Tensor:
    """The cosine of every question with every candidate; 0 where either is the zero vector.

    Args:
        questions: `float[B, D]`.
        candidates: `float[C, D]`.

    Returns:
        `float[B, C]` within -1 and 1, up to rounding; float32 or wider.

    Example:
        >>> cosine_scores([[3.0, 4.0], [0.0, 0.0]], [[4.0, 3.0], [-6.0, -8.0]]).numpy().round(2)
        array([[ 0.96, -1.  ],
               [ 0.  ,  0.  ]], dtype=float32)
    """
    return ops.matmul(unit_vectors(questions), ops.transpose(unit_vectors(candidates)))
