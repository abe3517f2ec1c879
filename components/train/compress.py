"""Large weights that are small on disk: stored as float16 or int8, and widened once, when the model is loaded.

A server then computes in float32, as fast as without; it holds both in memory. All is done by standard operations of
TensorFlow in the SavedModel's own initialisation, which the TF 1 loader runs, too.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import keras
import numpy as np
import tensorflow as tf

from components.train.settings import Weights

LEAST = 1024
"""Fewer numbers than this are stored as they are."""

_LEVELS = 127


def quantized(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers from -127 to 127 with a scale for each channel, whose product comes nearest to the values.

    A channel is an index of the longest axis: the row of an embedding table, mostly the output of a layer. A vector is
    one channel. Of a channel with what is not finite, nothing is a number.

    Args:
        values: float32, of any shape.

    Returns:
        int8 of that shape, and float32 that broadcasts to it.
    """
    longest = int(np.argmax(values.shape))
    others = tuple(axis for axis in range(values.ndim) if axis != longest or values.ndim == 1)
    largest = np.abs(values).max(axis=others, keepdims=True)
    finite = np.isfinite(largest)
    scale = np.where(finite & (largest > 0), largest / _LEVELS, 1).astype(np.float32)
    levels = np.rint(np.where(finite, values, 0) / scale).astype(np.int8)
    return levels, np.where(finite, scale, np.nan).astype(np.float32)


class Compressed(tf.saved_model.experimental.TrackableResource):
    """A constant float32 tensor that is narrower on disk; wherever a tensor is wanted, it is one.

    Args:
        values: float32.
        weights: how to store them.
    """

    dtype = tf.float32

    def __init__(self, values: np.ndarray, weights: Weights) -> None:
        super().__init__()
        self.shape = tf.TensorShape(values.shape)
        self._name = f"compressed_{uuid4()}"  # two models in one process may not share it
        stored: tuple[np.ndarray, ...]
        if weights == "int8":
            stored = quantized(values)
        else:
            with np.errstate(over="ignore"):  # what becomes infinite is for the gates to refuse
                stored = (values.astype(np.float16),)
        self.stored = [tf.Variable(part, trainable=False) for part in stored]
        self._initialize()

    def _create_resource(self) -> tf.Tensor:
        return tf.raw_ops.VarHandleOp(dtype=self.dtype, shape=self.shape, shared_name=self._name)

    def _initialize(self) -> None:
        value, *scale = (tf.cast(part, self.dtype) for part in self.stored)
        for factor in scale:
            value *= factor
        tf.raw_ops.AssignVariableOp(resource=self.resource_handle, value=value)

    def _destroy_resource(self) -> None:
        tf.raw_ops.DestroyResourceOp(resource=self.resource_handle)

    def __tf_tensor__(self, dtype: tf.DType | None = None, name: str | None = None) -> tf.Tensor:
        """The values, float32."""
        value = tf.raw_ops.ReadVariableOp(resource=self.resource_handle, dtype=self.dtype, name=name)
        value.set_shape(self.shape)
        return value if dtype is None else tf.cast(value, dtype)


class Compression:
    """The large float32 weights of what is exported, compressed.

    Args:
        tracked: layers, and modules with their submodules; they stay as they are. A module may name in `uncompressed`
            what must stay exact.
        weights: how to store them.
    """

    def __init__(self, tracked: Iterable[Any], weights: Weights) -> None:
        self._of_layers: list[tuple[keras.Variable, Compressed]] = []
        self._of_modules: list[tuple[tf.Module, str, Compressed]] = []
        if weights == "float32":
            return
        shared = set()  # by several layers: each variable once
        for resource in tracked:
            if isinstance(resource, keras.layers.Layer):
                large = [value for value in resource.variables if _is_large(value) and id(value) not in shared]
                shared |= {id(value) for value in large}
                self._of_layers += [(value, Compressed(value.numpy(), weights)) for value in large]
            elif isinstance(resource, tf.Module):
                for module in (resource, *resource.submodules):
                    exempt = getattr(module, "uncompressed", ())
                    for name, value in list(vars(module).items()):
                        if isinstance(value, tf.Variable) and _is_large(value) and name not in exempt:
                            self._of_modules.append((module, name, Compressed(value.numpy(), weights)))

    @property
    def resources(self) -> list[Compressed]:
        """What is to be tracked."""
        return [one for _, one in self._of_layers] + [one for _, _, one in self._of_modules]

    def reading[Output](self, function: Callable[[tf.Tensor], Output]) -> Callable[[tf.Tensor], Output]:
        """The function, reading what is compressed in place of the weights; it may be traced, not called as it is."""

        def traced(argument: tf.Tensor) -> Output:
            with self._in_place():
                return function(argument)

        return traced

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        own = [(module, name, getattr(module, name)) for module, name, _ in self._of_modules]
        for module, name, compressed in self._of_modules:
            setattr(module, name, compressed)
        try:
            with keras.StatelessScope([(value, tf.convert_to_tensor(one)) for value, one in self._of_layers]):
                yield
        finally:
            for module, name, value in own:
                setattr(module, name, value)


def _is_large(value: Any) -> bool:
    return tf.as_dtype(value.dtype) == tf.float32 and int(np.prod(value.shape)) >= LEAST
