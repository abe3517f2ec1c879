"""What every tower offers, whatever is inside."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import keras
import tensorflow as tf


class Tower(keras.layers.Layer, ABC):
    """One side of a `match` model: raw texts → features → unit vectors.

    `featurize` runs in tf.data while training and inside the serving graph, `call` on what it returns.
    """

    dimensions: int
    """Size of a vector."""

    reads_token_ids: bool = False
    """Whether training feeds `featurize_ids` with the Transform step's token ids instead of raw text."""

    @abstractmethod
    def featurize(self, text: tf.Tensor) -> Any:
        """Features (a structure of tensors) of raw texts, string[N]."""

    def featurize_ids(self, ids: tf.RaggedTensor) -> Any:
        """Features of token ids, int64[N, (tokens)]; only where `reads_token_ids`."""
        raise NotImplementedError(f"{type(self).__name__} reads raw text")

    def adapt(self, library: Iterable[tf.Tensor]) -> None:
        """Learn what needs no training from batches of the candidate library, string[N] each."""
