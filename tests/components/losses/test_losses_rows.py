from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.losses.rows import as_rows


@pytest.mark.parametrize("labels", [[2, 0], np.array([2, 0], np.uint8), tf.constant([2.0, 0.0])])
def test_labels_become_int64_and_values_at_least_float32(labels: Any) -> None:
    labels, values = as_rows(labels, np.array([[1.5], [2.5]], np.float16), "logits")
    assert (labels.dtype, values.dtype) == (tf.int64, tf.float32)
    assert (labels.numpy().tolist(), values.numpy().tolist()) == ([2, 0], [[1.5], [2.5]])


@pytest.mark.parametrize(("labels", "values"), [((3,), (2, 4)), ((2, 1), (2, 4)), ((2,), (2,)), ((), (2, 4))])
def test_other_shapes_are_refused(labels: tuple[int, ...], values: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"labels has shape .*, features has .*: they must be") as caught:
        as_rows(np.zeros(labels, int), np.zeros(values), "features")
    assert f"{labels}, features has {values}: " in str(caught.value)
