"""TF Serving's Predict by a plain `grpc.server`: eager SavedModel, a pool of threads, no batching."""

import os
from concurrent import futures
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

THREADS = 8


class _Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, folder: str) -> None:
        self._model = tf.saved_model.load(folder)  # whose variables live as long as it does

    def Predict(self, request: Any, _context: Any) -> Any:  # noqa: N802
        """One request, one run."""
        inputs = {name: tf.constant(tf.make_ndarray(proto)) for name, proto in request.inputs.items()}
        outputs = self._model.signatures[request.model_spec.signature_name](**inputs)
        response = predict_pb2.PredictResponse()
        for name, tensor in outputs.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(tensor))
        return response


def main() -> None:
    """Serve until killed."""
    server = grpc.server(futures.ThreadPoolExecutor(THREADS))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Service(os.environ["MODEL"]), server)
    server.add_insecure_port(f"127.0.0.1:{os.environ['PORT']}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
