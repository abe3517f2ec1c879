"""Descriptors of PredictRequest, PredictResponse and what they hold."""

from typing import Any

from google.protobuf import descriptor_pool, message_factory

from serving.protos import descriptors

PREDICT_METHOD = "/tensorflow.serving.PredictionService/Predict"

_TENSORFLOW = {
    "TensorShapeProto.Dim": [(1, "size", "int64"), (2, "name", "string")],
    "TensorShapeProto": [(2, "dim*", ".tensorflow.TensorShapeProto.Dim"), (3, "unknown_rank", "bool")],
    "TensorProto": [
        (1, "dtype", "int32"),  # an enum there; the same on the wire
        (2, "tensor_shape", ".tensorflow.TensorShapeProto"),
        (4, "tensor_content", "bytes"),
        (5, "float_val*", "float"),
        (6, "double_val*", "double"),
        (7, "int_val*", "int32"),
        (8, "string_val*", "bytes"),
        (10, "int64_val*", "int64"),
        (11, "bool_val*", "bool"),
        (13, "half_val*", "int32"),
        (16, "uint32_val*", "uint32"),
        (17, "uint64_val*", "uint64"),
    ],
}
_SERVING = {
    "Version": [(1, "value", "int64")],  # google.protobuf.Int64Value there; the same on the wire
    "ModelSpec": [
        (1, "name", "string"),
        (2, "version", ".tensorflow.serving.Version"),
        (3, "signature_name", "string"),
        (4, "version_label", "string"),
    ],
    "PredictRequest": [
        (1, "model_spec", ".tensorflow.serving.ModelSpec"),
        (2, "inputs{}", ".tensorflow.TensorProto"),
        (3, "output_filter*", "string"),
    ],
    "PredictResponse": [
        (1, "outputs{}", ".tensorflow.TensorProto"),
        (2, "model_spec", ".tensorflow.serving.ModelSpec"),
    ],
}


def _classes() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    tensorflow = descriptors.file("tensorflow", _TENSORFLOW)
    serving = descriptors.file("tensorflow.serving", _SERVING)
    serving.dependency.append(tensorflow.name)
    pool.Add(tensorflow)
    pool.Add(serving)
    names = ("tensorflow.TensorProto", "tensorflow.serving.PredictRequest", "tensorflow.serving.PredictResponse")
    return {name.rsplit(".", 1)[1]: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names}


_CLASSES = _classes()
TensorProto: Any = _CLASSES["TensorProto"]
PredictRequest: Any = _CLASSES["PredictRequest"]
PredictResponse: Any = _CLASSES["PredictResponse"]
