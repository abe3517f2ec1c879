"""The model behind MLServer: `mlserver start FOLDER`, with the settings that `benchmarks.serving` writes."""

import os

import tensorflow as tf
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Encoder(MLModel):
    """One SavedModel."""

    async def load(self) -> bool:
        """Load it in the worker."""
        self._model = tf.saved_model.load(os.environ["MODEL"])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Vectors of a batch."""
        texts = StringCodec.decode_input(payload.inputs[0])
        vectors = self._model.signatures["question"](text=tf.constant(texts))["vector"].numpy()
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("vector", vectors)])
