"""TF Serving's messages that a client needs, made at run time so that it needs no TensorFlow.

`tensorflow_serving.apis` would import all of TensorFlow for them (2.4 s). Names and field numbers here are those of the
public API (tensorflow/core/framework/tensor.proto, tensorflow/core/protobuf/meta_graph.proto and
tensorflow_serving/apis/{model,predict,get_model_status,get_model_metadata}.proto), so the bytes on the wire are the
same. They live in a descriptor pool of their own and never meet TensorFlow's.
"""

from serving.protos.messages import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    GetModelStatusRequest,
    GetModelStatusResponse,
    PredictRequest,
    PredictResponse,
    SignatureDefMap,
    TensorProto,
)

__all__ = [
    "GetModelMetadataRequest",
    "GetModelMetadataResponse",
    "GetModelStatusRequest",
    "GetModelStatusResponse",
    "PredictRequest",
    "PredictResponse",
    "SignatureDefMap",
    "TensorProto",
]
