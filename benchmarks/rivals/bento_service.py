"""The model behind BentoML: `bentoml serve bento_service:Encoder --port PORT`."""

import os

import bentoml
import numpy as np
import tensorflow as tf


@bentoml.service(workers=1)
class Encoder:
    """One SavedModel."""

    def __init__(self) -> None:
        self._model = tf.saved_model.load(os.environ["MODEL"])

    @bentoml.api(batchable=True, max_batch_size=32)
    def encode(self, texts: list[str]) -> np.ndarray:
        """Vectors of texts."""
        return self._model.signatures["question"](text=tf.constant(texts))["vector"].numpy()
