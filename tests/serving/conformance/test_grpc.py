"""The gRPC API of a running server, called with TF Serving's own messages."""

from typing import Any

import grpc
import numpy as np
import pytest

from serving.process import ModelServer
from serving.server.silent_tensorflow import get_model_metadata_pb2, get_model_status_pb2, predict_pb2, tf

Call = Any


def unary(channel: grpc.Channel, method: str, response: Any) -> Call:
    return channel.unary_unary(
        f"/tensorflow.serving.{method}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=response.FromString,
    )


@pytest.fixture(scope="module")
def predict(channel: grpc.Channel) -> Call:
    return unary(channel, "PredictionService/Predict", predict_pb2.PredictResponse)


@pytest.fixture(scope="module")
def status(channel: grpc.Channel) -> Call:
    return unary(channel, "ModelService/GetModelStatus", get_model_status_pb2.GetModelStatusResponse)


@pytest.fixture(scope="module")
def metadata(channel: grpc.Channel) -> Call:
    return unary(channel, "PredictionService/GetModelMetadata", get_model_metadata_pb2.GetModelMetadataResponse)


def request(model: str = "zoo", signature: str = "", **inputs: Any) -> Any:
    message = predict_pb2.PredictRequest()
    message.model_spec.name = model
    message.model_spec.signature_name = signature
    for name, value in inputs.items():
        message.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return message


def refusal(call: Call, message: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(message, timeout=20)
    return caught.value.code(), caught.value.details() or ""


def test_a_string_without_dimensions(predict: Call) -> None:
    answer = predict(request(signature="shout", text="ab"))
    assert {alias: list(tensor.tensor_shape.dim) for alias, tensor in answer.outputs.items()} == {
        "upper": [],
        "raw_bytes": [],
        "length": [],
    }
    assert list(answer.outputs["upper"].string_val) == [b"AB"]
    assert list(answer.outputs["length"].int_val) == [2]


def test_outputs_are_in_typed_fields_and_the_spec_is_echoed(predict: Call) -> None:
    answer = predict(request(x=np.array([1, 2, 5], np.float32)))
    assert dict(answer.outputs).keys() == {"y"}
    assert list(answer.outputs["y"].float_val) == [2.5, 3.0, 4.5]
    assert answer.outputs["y"].tensor_content == b""
    assert [dim.size for dim in answer.outputs["y"].tensor_shape.dim] == [3]
    spec = answer.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("zoo", 7, "serving_default")


def test_values_may_come_in_fields_of_their_own(predict: Call) -> None:
    message = request()
    tensor = message.inputs["x"]
    tensor.dtype = tf.float32.as_datatype_enum
    tensor.tensor_shape.dim.add(size=4)
    tensor.float_val.extend([1.0, 2.0])  # the last value fills the rest
    assert list(predict(message).outputs["y"].float_val) == [2.5, 3.0, 3.0, 3.0]


def test_strings(predict: Call) -> None:
    answer = predict(request(signature="shout", text=["né".encode(), b"\xff\x00a"]))
    assert list(answer.outputs["upper"].string_val) == ["Né".encode(), b"\xff\x00A"]
    assert list(answer.outputs["raw_bytes"].string_val) == ["né".encode(), b"\xff\x00a"]
    assert list(answer.outputs["length"].int_val) == [3, 3]


def test_half_floats_travel_over_grpc(predict: Call) -> None:
    answer = predict(request(signature="half_floats", x=np.array([0.5, 2], np.float16)))
    np.testing.assert_array_equal(tf.make_ndarray(answer.outputs["y"]), np.array([1.5, 3.0], np.float16))


def test_output_filter(predict: Call) -> None:
    message = request(signature="matrix", x=np.array([[1, 2]], np.float32))
    message.output_filter.append("row_sum")
    assert {name: list(proto.float_val) for name, proto in predict(message).outputs.items()} == {"row_sum": [3.0]}


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (["z"], "output tensor alias not found in signature: z Outputs expected to be in the set {row_sum,y}."),
        (["y", "y"], "duplicate output tensor alias: y"),
    ],
)
def test_wrong_output_filters(predict: Call, wanted: list[str], text: str) -> None:
    message = request(signature="matrix", x=np.array([[1, 2]], np.float32))
    message.output_filter.extend(wanted)
    assert refusal(predict, message) == (grpc.StatusCode.INVALID_ARGUMENT, text)


def test_version_and_label_choose(predict: Call) -> None:
    answers = []
    for choice in ({}, {"version": {"value": 1}}, {"version_label": "canary"}, {"version_label": "stable"}):
        message = request("adder", x=np.array([10], np.float32))
        message.model_spec.MergeFrom(predict_pb2.PredictRequest(model_spec=choice).model_spec)
        answer = predict(message)
        answers.append((answer.model_spec.version.value, answer.outputs["y"].float_val[0]))
    assert answers == [(2, 12.0), (1, 11.0), (2, 12.0), (1, 11.0)]


def wrong(model: str = "zoo", signature: str = "", spec: dict[str, Any] | None = None, **inputs: Any) -> Any:
    message = request(model, signature, **inputs)
    message.model_spec.MergeFrom(predict_pb2.PredictRequest(model_spec=spec or {}).model_spec)
    return message


X = np.array([1], np.float32)
BAD, MISSING = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        (predict_pb2.PredictRequest(), BAD, "Missing ModelSpec"),
        (wrong(model="", spec={"version_label": "x"}), BAD, "ModelSpec has no name specified."),
        (wrong(model="foo", x=X), MISSING, "Servable not found for request: Latest(foo)"),
        (wrong(spec={"version": {"value": 5}}, x=X), MISSING, "Servable not found for request: Specific(zoo, 5)"),
        (wrong(spec={"version_label": "a"}, x=X), BAD, "Unrecognized servable version label: a"),
        (wrong(signature="z", x=X), grpc.StatusCode.FAILED_PRECONDITION, 'Serving signature key "z" not found.'),
        (
            wrong(signature="two_inputs", a=X),
            BAD,
            "input size does not match signature: 1!=2 len({a}) != len({a,b})."
            " Sent extra: {}. Missing but required: {b}.",
        ),
        (
            wrong(x=X, z=X),
            BAD,
            "input size does not match signature: 2!=1 len({x,z}) != len({x})."
            " Sent extra: {z}. Missing but required: {}.",
        ),
        (
            wrong(z=X),
            BAD,
            "input tensor alias not found in signature: z. Inputs expected to be in the set {x}.",
        ),
        (wrong(x=np.array([1], np.int64)), BAD, "Expects arg[0] to be float but int64 is provided"),
        (
            wrong(signature="two_inputs", a=X, b=np.array([1], np.float64)),
            BAD,
            "Expects arg[1] to be int32 but double is provided",
        ),
    ],
)
def test_refusals(predict: Call, message: Any, code: grpc.StatusCode, text: str) -> None:
    assert refusal(predict, message) == (code, text)


@pytest.mark.parametrize(
    "tensor",
    [
        {"dtype": 1, "tensor_content": b"abc", "tensor_shape": {"dim": [{"size": 1}]}},
        {"dtype": 1, "float_val": [1.0], "tensor_shape": {"dim": [{"size": -1}]}},
        {"dtype": 1, "float_val": [1.0], "tensor_shape": {"unknown_rank": True}},
        {"dtype": 1, "float_val": [1.0], "tensor_shape": {"dim": [{"size": 2**40}, {"size": 2**40}]}},
        {"dtype": 1, "float_val": [1.0], "tensor_shape": {"dim": [{"size": 1}] * 100}},
        {"dtype": 20, "tensor_shape": {"dim": [{"size": 1}]}},
        {},
    ],
)
def test_tensors_that_are_none(predict: Call, tensor: dict[str, Any]) -> None:
    message = predict_pb2.PredictRequest(model_spec={"name": "zoo"}, inputs={"x": tensor})
    code, text = refusal(predict, message)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert text.startswith("tensor parsing error: x")


def test_an_op_that_fails(predict: Call) -> None:
    code, text = refusal(predict, request(signature="positive", x=np.array([-1], np.float32)))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "x must be positive" in text


def test_a_message_of_many_megabytes(predict: Call) -> None:
    rows = np.arange(3_000_000, dtype=np.float32)
    answer = predict(request(x=rows), timeout=30)
    assert np.array_equal(np.array(answer.outputs["y"].float_val, np.float32), rows / 2 + 2)


def test_the_unix_socket_serves_too(server: ModelServer) -> None:
    path = server.log.split("gRPC unix:")[1].split(",")[0].strip()
    with grpc.insecure_channel(f"unix:{path}") as channel:
        call = unary(channel, "PredictionService/Predict", predict_pb2.PredictResponse)
        assert list(call(request(x=X)).outputs["y"].float_val) == [2.5]


def test_bytes_that_are_no_message(channel: grpc.Channel) -> None:
    call: Call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    code, text = refusal(call, b"\xff")
    assert code == grpc.StatusCode.INTERNAL
    assert "Error parsing message" in text


# --- metadata and status ---------------------------------------------------------------------------------------------


def test_metadata(metadata: Call) -> None:
    answer = metadata(
        get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec={"name": "adder", "version": {"value": 1}}, metadata_field=["signature_def"]
        )
    )
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("adder", 1)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    assert dict(signatures.signature_def).keys() == {"serving_default", "__saved_model_init_op"}
    assert signatures.signature_def["serving_default"].inputs["x"].dtype == tf.float32.as_datatype_enum


@pytest.mark.parametrize(
    ("spec", "fields", "code", "text"),
    [
        (None, ["signature_def"], BAD, "Missing ModelSpec"),
        ({"name": "zoo"}, [], BAD, "GetModelMetadataRequest must specify at least one metadata_field"),
        ({"name": "zoo"}, ["other"], BAD, "Metadata field other is not supported"),
        ({"name": "foo"}, ["signature_def"], MISSING, "Servable not found for request: Latest(foo)"),
    ],
)
def test_metadata_refusals(metadata: Call, spec: Any, fields: list[str], code: grpc.StatusCode, text: str) -> None:
    message = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=spec, metadata_field=fields)
    assert refusal(metadata, message) == (code, text)


def test_status(status: Call) -> None:
    answer = status(get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "adder"}))
    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert [(entry.version, entry.state, entry.status.error_code) for entry in answer.model_version_status] == [
        (2, available, 0),
        (1, available, 0),
    ]


@pytest.mark.parametrize(
    ("spec", "code", "text"),
    [
        (None, BAD, "Missing ModelSpec"),
        ({"name": "foo"}, MISSING, "Could not find any versions of model foo"),
        ({"name": "adder", "version": {"value": 9}}, MISSING, "Could not find version 9 of model adder"),
    ],
)
def test_status_refusals(status: Call, spec: Any, code: grpc.StatusCode, text: str) -> None:
    message = get_model_status_pb2.GetModelStatusRequest(model_spec=spec)
    assert refusal(status, message) == (code, text)
