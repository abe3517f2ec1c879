"""The model behind LitServe: `python lit_server.py`."""

import os
from typing import Any

import litserve
import tensorflow as tf


class Encoder(litserve.LitAPI):
    """One SavedModel."""

    def setup(self, device: str) -> None:  # noqa: ARG002
        """Load it in the worker."""
        self._model = tf.saved_model.load(os.environ["MODEL"])

    def decode_request(self, request: dict[str, str]) -> str:
        """The text of a request."""
        return request["text"]

    def predict(self, texts: list[str]) -> Any:
        """Vectors of a batch."""
        return self._model.signatures["question"](text=tf.constant(texts))["vector"].numpy()

    def encode_response(self, vector: Any) -> dict[str, list[float]]:
        """The answer to one request."""
        return {"vector": vector.tolist()}


if __name__ == "__main__":
    api = Encoder(max_batch_size=32, batch_timeout=0.005)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(os.environ["PORT"]), generate_client_file=False, log_level="warning")
