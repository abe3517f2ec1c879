"""Descriptors of the requests and responses that a client sends and reads, and of what they hold."""

from typing import Any

from google.protobuf import descriptor_pool, message_factory

from serving.protos import descriptors

# Enums are int32 here, the same on the wire.
_TENSORFLOW = {
    "TensorShapeProto.Dim": [(1, "size", "int64"), (2, "name", "string")],
    "TensorShapeProto": [(2, "dim*", ".tensorflow.TensorShapeProto.Dim"), (3, "unknown_rank", "bool")],
    "TensorProto": [
        (1, "dtype", "int32"),
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
    "TensorInfo": [(1, "name", "string"), (2, "dtype", "int32"), (3, "tensor_shape", ".tensorflow.TensorShapeProto")],
    "SignatureDef": [
        (1, "inputs{}", ".tensorflow.TensorInfo"),
        (2, "outputs{}", ".tensorflow.TensorInfo"),
        (3, "method_name", "string"),
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
    "GetModelStatusRequest": [(1, "model_spec", ".tensorflow.serving.ModelSpec")],
    "StatusProto": [(1, "error_code", "int32"), (2, "error_message", "string")],
    "ModelVersionStatus": [
        (1, "version", "int64"),
        (2, "state", "int32"),
        (3, "status", ".tensorflow.serving.StatusProto"),
    ],
    "GetModelStatusResponse": [(1, "model_version_status*", ".tensorflow.serving.ModelVersionStatus")],
    "GetModelMetadataRequest": [(1, "model_spec", ".tensorflow.serving.ModelSpec"), (2, "metadata_field*", "string")],
    "Any": [(1, "type_url", "string"), (2, "value", "bytes")],  # google.protobuf.Any there; the same on the wire
    "GetModelMetadataResponse": [
        (1, "model_spec", ".tensorflow.serving.ModelSpec"),
        (2, "metadata{}", ".tensorflow.serving.Any"),
    ],
    "SignatureDefMap": [(1, "signature_def{}", ".tensorflow.SignatureDef")],
}


def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    tensorflow = descriptors.file("tensorflow", _TENSORFLOW)
    serving = descriptors.file("tensorflow.serving", _SERVING)
    serving.dependency.append(tensorflow.name)
    pool.Add(tensorflow)
    pool.Add(serving)
    return pool


_POOL = _pool()


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(name))


TensorProto = _message("tensorflow.TensorProto")
PredictRequest = _message("tensorflow.serving.PredictRequest")
PredictResponse = _message("tensorflow.serving.PredictResponse")
GetModelStatusRequest = _message("tensorflow.serving.GetModelStatusRequest")
GetModelStatusResponse = _message("tensorflow.serving.GetModelStatusResponse")
GetModelMetadataRequest = _message("tensorflow.serving.GetModelMetadataRequest")
GetModelMetadataResponse = _message("tensorflow.serving.GetModelMetadataResponse")
SignatureDefMap = _message("tensorflow.serving.SignatureDefMap")
