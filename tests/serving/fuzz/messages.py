"""gRPC requests that are right, and messages whose fields were right before some of them became others."""

from typing import Any, NamedTuple

from google.protobuf.descriptor import FieldDescriptor
from hypothesis import strategies as st

from serving.server.silent_tensorflow import (
    classification_pb2,
    example_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
    tf,
)

_PREDICTION, _MODEL = "tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"


class Method(NamedTuple):
    """A method and the types of its messages."""

    path: str
    request: Any
    response: Any


PREDICT = Method(f"/{_PREDICTION}/Predict", predict_pb2.PredictRequest, predict_pb2.PredictResponse)
CLASSIFY = Method(
    f"/{_PREDICTION}/Classify", classification_pb2.ClassificationRequest, classification_pb2.ClassificationResponse
)
REGRESS = Method(f"/{_PREDICTION}/Regress", regression_pb2.RegressionRequest, regression_pb2.RegressionResponse)
MULTI_INFERENCE = Method(
    f"/{_PREDICTION}/MultiInference", inference_pb2.MultiInferenceRequest, inference_pb2.MultiInferenceResponse
)
METADATA = Method(
    f"/{_PREDICTION}/GetModelMetadata",
    get_model_metadata_pb2.GetModelMetadataRequest,
    get_model_metadata_pb2.GetModelMetadataResponse,
)
STATUS = Method(
    f"/{_MODEL}/GetModelStatus",
    get_model_status_pb2.GetModelStatusRequest,
    get_model_status_pb2.GetModelStatusResponse,
)
RELOAD = Method(
    f"/{_MODEL}/HandleReloadConfigRequest",
    model_management_pb2.ReloadConfigRequest,
    model_management_pb2.ReloadConfigResponse,
)


class Call(NamedTuple):
    """A request of a method."""

    method: Method
    request: Any


def right_calls() -> list[Call]:
    """Requests that are answered with OK."""
    return [
        _predict("zoo", "serving_default", x=[1.0, 2.0]),
        _predict("zoo", "matrix", x=[[1.0, 2.0], [3.0, 4.0]]),
        _predict("zoo", "shout", text=["a", "ü"]),
        _predict("zoo", "two_inputs", a=[1.5, 2.5], b=tf.constant([1, 2], tf.int32)),
        _predict("zoo", "scalar", x=3.0),
        _predict("zoo", "half_floats", x=tf.constant([1.0], tf.float16)),
        _predict("zoo", "uneven", x=[1.0, 2.0]),
        _predict("half_plus_two", "", x=[7.0]),
        *(
            Call(method, _on_examples(method.request(), model, signature))
            for method, model, signature in (
                (CLASSIFY, "half_plus_two", "classify_x_to_labels"),
                (CLASSIFY, "half_plus_three", "classify_x_to_y"),
                (REGRESS, "half_plus_two", "regress_x_to_y"),
                (REGRESS, "odd", "random"),
            )
        ),
        Call(MULTI_INFERENCE, _multi_inference()),
        Call(METADATA, METADATA.request(model_spec={"name": "zoo"}, metadata_field=["signature_def"])),
        Call(STATUS, STATUS.request(model_spec={"name": "adder", "version": {"value": 2}})),
    ]


def _predict(model: str, signature: str, **inputs: Any) -> Call:
    request = PREDICT.request(model_spec={"name": model, "signature_name": signature})
    for alias, value in inputs.items():
        request.inputs[alias].CopyFrom(tf.make_tensor_proto(value))
    return Call(PREDICT, request)


def _on_examples(request: Any, model: str, signature: str) -> Any:
    request.model_spec.name, request.model_spec.signature_name = model, signature
    request.input.example_list.examples.extend(_example(x) for x in (1.0, 2.5))
    return request


def _multi_inference() -> Any:
    request = MULTI_INFERENCE.request()
    for kind, signature in (("classify", "classify_x_to_y"), ("regress", "regress_x_to_y")):
        spec = {"name": "half_plus_two", "signature_name": signature}
        request.tasks.add(model_spec=spec, method_name=f"tensorflow/serving/{kind}")
    request.input.example_list_with_context.context.CopyFrom(_example(3.0))
    request.input.example_list_with_context.examples.extend([_example(4.0), example_pb2.Example()])
    return request


def _example(x: float) -> Any:
    example = example_pb2.Example()
    example.features.feature["x"].float_list.value.append(x)
    return example


_NAMES = st.sampled_from(
    [
        *("zoo", "half_plus_two", "adder", "odd", "x", "a", "b", "text", "serving_default", "matrix", "shout", "kinds"),
        *("regress_x_to_y", "classify_x_to_y", "features", "alien", "stable", "signature_def", "y", "row_sum"),
        *("tensorflow/serving/classify", "tensorflow/serving/predict", "tensorflow", "/", "/proc/self", "a\0b", ""),
    ]
)
_SIZES = [0, 1, 2, 3, 7, 64, 2**16, 2**22, 2**31 - 1]


def _whole(low: int, high: int) -> st.SearchStrategy[int]:
    usual = [value for value in (*_SIZES, -1, -2, low, high, 2**32, 2**62) if low <= value <= high]
    return st.sampled_from(usual) | st.integers(low, high)


_TYPE = FieldDescriptor
_SCALARS: dict[int, st.SearchStrategy[Any]] = {
    _TYPE.CPPTYPE_INT32: _whole(-(2**31), 2**31 - 1),
    _TYPE.CPPTYPE_ENUM: st.integers(0, 30) | st.sampled_from([101, 2**31 - 1]),
    _TYPE.CPPTYPE_UINT32: _whole(0, 2**32 - 1),
    _TYPE.CPPTYPE_INT64: _whole(-(2**63), 2**63 - 1),
    _TYPE.CPPTYPE_UINT64: _whole(0, 2**64 - 1),
    _TYPE.CPPTYPE_BOOL: st.booleans(),
    _TYPE.CPPTYPE_FLOAT: st.floats(width=32),
    _TYPE.CPPTYPE_DOUBLE: st.floats(),
    _TYPE.CPPTYPE_STRING: _NAMES | st.text(max_size=6),
}


def _scalar(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.type == _TYPE.TYPE_BYTES:
        return st.binary(max_size=12) | st.binary(min_size=8, max_size=8)
    return _SCALARS[field.cpp_type]


@st.composite
def changed(draw: st.DrawFn, calls: list[Call]) -> Call:
    """One of the calls with other values in some fields."""
    method, original = draw(st.sampled_from(calls))
    request = method.request()
    request.CopyFrom(original)
    for _ in range(draw(st.integers(1, 4))):
        _change(draw, request)
    return Call(method, request)


def _change(draw: st.DrawFn, message: Any) -> None:
    """Some field of the message, or of one below it, is cleared or gets another value."""
    used = [field for field, _ in message.ListFields()]
    choices = used if used and draw(st.integers(0, 3)) > 0 else list(message.DESCRIPTOR.fields)
    if not choices:
        return
    field = draw(st.sampled_from(choices))
    if draw(st.integers(0, 9)) == 0:
        message.ClearField(field.name)
    elif field.message_type and field.message_type.GetOptions().map_entry:
        _change_map(draw, getattr(message, field.name), field.message_type.fields_by_name["value"])
    elif field.is_repeated:
        _change_list(draw, getattr(message, field.name), field)
    elif field.message_type:
        getattr(message, field.name).SetInParent()
        _change(draw, getattr(message, field.name))
    else:
        setattr(message, field.name, draw(_scalar(field)))


def _change_map(draw: st.DrawFn, entries: Any, value: FieldDescriptor) -> None:
    known = sorted(entries)
    key = draw(st.sampled_from(known)) if known and draw(st.integers(0, 3)) > 0 else draw(_NAMES)
    if value.message_type:
        _change(draw, entries[key])
    else:
        entries[key] = draw(_scalar(value))


def _change_list(draw: st.DrawFn, values: Any, field: FieldDescriptor) -> None:
    place = draw(st.integers(0, len(values)))
    if place < len(values) and draw(st.integers(0, 3)) == 0:
        del values[place]
    elif field.message_type:
        _change(draw, values[place] if place < len(values) else values.add())
    elif place < len(values):
        values[place] = draw(_scalar(field))
    else:
        values.extend(draw(st.lists(_scalar(field), max_size=8)))
