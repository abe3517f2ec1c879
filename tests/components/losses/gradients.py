"""Gradients of a loss, by TensorFlow and by finite differences."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

type Loss = Callable[..., Any]


def value_and_gradient(loss: Loss, known: Any, values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Losses by row, and the gradient of their sum by `values`; `known` are labels or positives."""
    values = tf.convert_to_tensor(values)
    with tf.GradientTape() as tape:
        tape.watch(values)
        losses = loss(known, values)
    return losses.numpy(), tape.gradient(losses, values).numpy()


def finite_differences(loss: Loss, known: Any, values: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """The same gradient without calculus."""
    gradient = np.zeros_like(values)
    for cell in np.ndindex(*values.shape):
        up, down = values.copy(), values.copy()
        up[cell] += step
        down[cell] -= step
        gradient[cell] = (loss(known, up).numpy().sum() - loss(known, down).numpy().sum()) / (2 * step)
    return gradient
