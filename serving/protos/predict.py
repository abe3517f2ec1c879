"""Descriptors of PredictRequest, PredictResponse and what they hold."""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PREDICT_METHOD = "/tensorflow.serving.PredictionService/Predict"

_Field = descriptor_pb2.FieldDescriptorProto

# Message → fields as (number, name, type); `name*` is repeated, `name{}` a map from string, a type with a dot a
# message.
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


def _add_field(message: descriptor_pb2.DescriptorProto, full_name: str, number: int, name: str, kind: str) -> None:
    bare = name.rstrip("*{}")
    field = message.field.add(name=bare, number=number, label=_Field.LABEL_OPTIONAL)
    if name.endswith("{}"):
        entry_name = "".join(part.capitalize() for part in bare.split("_")) + "Entry"
        entry = message.nested_type.add(name=entry_name)
        entry.options.map_entry = True
        _add_field(entry, "", 1, "key", "string")
        _add_field(entry, "", 2, "value", kind)
        kind = f"{full_name}.{entry_name}"
    if name != bare:
        field.label = _Field.LABEL_REPEATED
    if kind.startswith("."):
        field.type, field.type_name = _Field.TYPE_MESSAGE, kind
    else:
        field.type = _Field.Type.Value(f"TYPE_{kind.upper()}")


def _file(package: str, messages: dict[str, list[tuple[int, str, str]]]) -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name=f"anchorline/{package}.proto", package=package, syntax="proto3")
    for name, fields in messages.items():
        if "." in name:
            continue
        message = file.message_type.add(name=name)
        for number, field, kind in fields:
            _add_field(message, f".{package}.{name}", number, field, kind)
        for nested, nested_fields in messages.items():
            if nested.startswith(f"{name}."):
                inner = message.nested_type.add(name=nested.split(".")[1])
                for number, field, kind in nested_fields:
                    _add_field(inner, "", number, field, kind)
    return file


def _classes() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    tensorflow = _file("tensorflow", _TENSORFLOW)
    serving = _file("tensorflow.serving", _SERVING)
    serving.dependency.append(tensorflow.name)
    pool.Add(tensorflow)
    pool.Add(serving)
    names = ("tensorflow.TensorProto", "tensorflow.serving.PredictRequest", "tensorflow.serving.PredictResponse")
    return {name.rsplit(".", 1)[1]: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names}


_CLASSES = _classes()
TensorProto: Any = _CLASSES["TensorProto"]
PredictRequest: Any = _CLASSES["PredictRequest"]
PredictResponse: Any = _CLASSES["PredictResponse"]
