"""The few messages of TF Serving's Predict call, made at run time so that a client needs no TensorFlow.

`tensorflow_serving.apis` would import all of TensorFlow for them (2.4 s). Names and field numbers here are those of the
public API (tensorflow/core/framework/tensor.proto, tensorflow_serving/apis/model.proto and predict.proto), so the bytes
on the wire are the same. They live in a descriptor pool of their own and never meet TensorFlow's.
"""

from serving.protos.predict import PREDICT_METHOD, PredictRequest, PredictResponse, TensorProto

__all__ = ["PREDICT_METHOD", "PredictRequest", "PredictResponse", "TensorProto"]
