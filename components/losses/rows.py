"""Rows with a label each: what every classify loss starts from."""

from keras import ops

from components.losses.pairs import Tensor, to_float


def as_rows(labels: Tensor, values: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """Checks the shapes and widens the values.

    Args:
        labels: `int[B]`, or floats of that value, into which Keras turns the labels of a compiled loss.
        values: `float[B, N]`; narrower than float32 is computed in float32.
        name: What the values are called in an error.

    Returns:
        The labels as int64, and the values.

    Raises:
        ValueError: If the labels are no vector, the values no matrix, or the two differ in length.
    """
    labels, values = ops.convert_to_tensor(labels), to_float(values)
    rows, matrix = tuple(labels.shape), tuple(values.shape)
    one_each = len(rows) == 1 and len(matrix) == 2 and (None in (rows[0], matrix[0]) or rows[0] == matrix[0])  # noqa: PLR2004
    if not one_each:
        raise ValueError(
            f"labels has shape {rows}, {name} has {matrix}: they must be [rows] and [rows, columns], of as many rows"
        )
    return ops.cast(labels, "int64"), values
