"""What every tower offers, whatever is inside."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import tensorflow as tf


class Tower(keras.layers.Layer, ABC):
    """One encoder: raw texts or pictures → features → vectors.

    `featurize` runs in tf.data while training and inside the serving graph, `call` on what it returns.
    """

    dimensions: int
    """Size of a vector."""

    reads_token_ids: bool = False
    """Whether training feeds `featurize_ids` with the Transform step's token ids instead of raw text."""

    feature_bytes: int | None = None
    """Size of a row's features where they are one tensor of a fixed shape; so small a set is kept in memory."""

    @abstractmethod
    def featurize(self, raw: tf.Tensor) -> Any:
        """Features (a structure of tensors) of raw texts or encoded pictures, string[N]."""

    def featurizer(self) -> Callable[[tf.Tensor], Any]:
        """`featurize` as a graph, for use outside of others."""
        return tf.function(self.featurize, input_signature=[tf.TensorSpec([None], tf.string)])

    def featurize_ids(self, ids: tf.RaggedTensor) -> Any:
        """Features of token ids, int64[N, (tokens)]; only where `reads_token_ids`."""
        raise NotImplementedError(f"{type(self).__name__} reads raw values")

    def adapt(self, raw: Iterable[tf.Tensor]) -> None:
        """Learn what needs no training from batches of raw values, string[N] each."""

    def learning_rates(self) -> Mapping[str, float]:
        """Of those weights, by their paths, that must not learn at the rate of the rest."""
        return {}

    @abstractmethod
    def call(self, features: Any, training: bool = False) -> tf.Tensor:
        """Vectors, float32[N, dimensions], of any length."""
