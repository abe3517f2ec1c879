"""An exported model, as TensorFlow Serving loads it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

type Arrays = dict[str, np.ndarray]


class Served:
    """A SavedModel in a TF 1 session of its own."""

    def __init__(self, folder: Path) -> None:
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        with self._session.graph.as_default():
            self.meta_graph = tf.compat.v1.saved_model.loader.load(self._session, ["serve"], str(folder))
        self.signatures = self.meta_graph.signature_def

    def __call__(self, signature: str, values: Sequence[str] | Sequence[bytes]) -> Arrays:
        definition = self.signatures[signature]
        (given,) = definition.inputs.values()
        outputs = {name: tensor.name for name, tensor in definition.outputs.items()}
        return self._session.run(outputs, {given.name: np.array(values, dtype=object)})

    def described(self) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
        """Types and shapes of the inputs and outputs of every signature."""
        return {
            name: (_described(definition.inputs), _described(definition.outputs))
            for name, definition in self.signatures.items()
            if not name.startswith("__")
        }


def _described(tensors: Any) -> dict[str, tuple[str, list[int]]]:
    return {
        name: (tf.dtypes.as_dtype(tensor.dtype).name, [dim.size for dim in tensor.tensor_shape.dim])
        for name, tensor in tensors.items()
    }


@contextmanager
def moved_away(path: Path) -> Iterator[None]:
    """While it lasts, nothing is where it was."""
    elsewhere = path.rename(path.with_name("moved-away"))
    try:
        yield
    finally:
        elsewhere.rename(path)


def example(values: Mapping[str, str | bytes]) -> bytes:
    """A serialised tf.Example."""
    message = tf.train.Example()
    for name, value in values.items():
        content = value.encode() if isinstance(value, str) else value
        message.features.feature[name].bytes_list.value.append(content)
    return message.SerializeToString()
