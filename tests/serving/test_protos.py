"""Messages and tensors on the wire, against TensorFlow's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from serving import dtypes, tensor_proto
from serving.protos import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    GetModelStatusRequest,
    GetModelStatusResponse,
    PredictRequest,
    PredictResponse,
    SignatureDefMap,
    TensorProto,
)
from serving.server.silent_tensorflow import get_model_metadata_pb2, get_model_status_pb2, predict_pb2, tf

TheirTensorProto = type(tf.make_tensor_proto(0))
KINDS = [dtype.numpy for dtype in dtypes.BY_NUMBER.values() if dtype.number != dtypes.STRING]


def any_array() -> st.SearchStrategy[np.ndarray]:
    shapes = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    numbers = st.sampled_from(KINDS).flatmap(lambda kind: arrays.arrays(kind, shapes))
    return st.one_of(numbers, arrays.arrays(object, shapes, elements=st.binary(max_size=5), fill=st.nothing()))


@pytest.mark.parametrize("dtype", dtypes.BY_NUMBER.values(), ids=lambda dtype: dtype.name)
def test_the_table_of_types_is_tensorflows(dtype: dtypes.DType) -> None:
    theirs = tf.as_dtype(dtype.number)
    assert (
        theirs.name.replace("float32", "float").replace("float64", "double").replace("float16", "half")
    ) == dtype.name
    assert theirs.as_numpy_dtype == dtype.numpy


def test_names_of_types_that_cannot_be_sent() -> None:
    assert [dtypes.name_of(number) for number in (14, 20, 99)] == ["bfloat16", "resource", "DataType(99)"]


@given(any_array())
def test_what_we_write_tensorflow_reads(array: np.ndarray) -> None:
    proto = TensorProto()
    tensor_proto.fill(proto, array)
    theirs = TheirTensorProto.FromString(proto.SerializeToString())
    back = tf.make_ndarray(theirs)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)
    assert not theirs.tensor_content


@given(any_array())
def test_what_tensorflow_writes_we_read(array: np.ndarray) -> None:
    back = tensor_proto.to_array(tf.make_tensor_proto(array, dtypes.BY_NUMPY[array.dtype].number, array.shape))
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(
    ("values", "shape", "expected"),
    [
        ([], [3], [0, 0, 0]),
        ([5, 6], [4], [5, 6, 6, 6]),
        ([5, 6, 7], [2], [5, 6]),
        ([5], [2, 0], []),
    ],
)
def test_too_few_and_too_many_values(values: list[int], shape: list[int], expected: list[int]) -> None:
    proto = TensorProto(dtype=9, int64_val=values, tensor_shape={"dim": [{"size": size} for size in shape]})
    assert tensor_proto.to_array(proto).ravel().tolist() == expected


def test_missing_strings_are_empty() -> None:
    proto = TensorProto(dtype=dtypes.STRING, tensor_shape={"dim": [{"size": 2}]})
    assert tensor_proto.to_array(proto).tolist() == [b"", b""]


def test_narrow_integers_wrap() -> None:
    proto = TensorProto(dtype=6, int_val=[300, -129], tensor_shape={"dim": [{"size": 2}]})
    assert tensor_proto.to_array(proto).tolist() == [44, 127]


@given(any_array(), st.text(), st.integers(-(2**63), 2**63 - 1), st.lists(st.text()))
def test_requests_have_the_same_bytes(array: np.ndarray, name: str, version: int, wanted: list[str]) -> None:
    ours = PredictRequest(output_filter=wanted)
    ours.model_spec.name = name
    ours.model_spec.version.value = version
    tensor_proto.fill(ours.inputs["x"], array)
    theirs = predict_pb2.PredictRequest.FromString(ours.SerializeToString())
    assert theirs.model_spec.version.value == version
    assert theirs.SerializeToString(deterministic=True) == ours.SerializeToString(deterministic=True)


def test_responses_are_read() -> None:
    theirs = predict_pb2.PredictResponse(model_spec={"name": "m", "signature_name": "s", "version": {"value": 3}})
    theirs.outputs["y"].CopyFrom(tf.make_tensor_proto([[1.5, 2.5]]))
    ours = PredictResponse.FromString(theirs.SerializeToString())
    assert (ours.model_spec.name, ours.model_spec.signature_name, ours.model_spec.version.value) == ("m", "s", 3)
    assert tensor_proto.to_array(ours.outputs["y"]).tolist() == [[1.5, 2.5]]


def test_status_and_metadata_are_read() -> None:
    state = {"version": 3, "state": 30, "status": {"error_code": 5, "error_message": "gone"}}
    theirs = get_model_status_pb2.GetModelStatusResponse(model_version_status=[state])
    (ours,) = GetModelStatusResponse.FromString(theirs.SerializeToString()).model_version_status
    assert (ours.version, ours.state, ours.status.error_code, ours.status.error_message) == (3, 30, 5, "gone")

    info = {"name": "x:0", "dtype": 9, "tensor_shape": {"dim": [{"size": -1}, {"size": 4}]}}
    signatures = get_model_metadata_pb2.SignatureDefMap()
    signatures.signature_def["s"].CopyFrom(type(signatures.signature_def["s"])(inputs={"x": info}, method_name="m"))
    packed = get_model_metadata_pb2.GetModelMetadataResponse(model_spec={"name": "m"})
    packed.metadata["signature_def"].Pack(signatures)
    value = GetModelMetadataResponse.FromString(packed.SerializeToString()).metadata["signature_def"].value
    back = SignatureDefMap.FromString(value).signature_def["s"]
    assert (back.method_name, back.inputs["x"].dtype) == ("m", 9)
    assert [dim.size for dim in back.inputs["x"].tensor_shape.dim] == [-1, 4]


def test_questions_about_a_model_have_the_same_bytes() -> None:
    spec = {"name": "m", "version_label": "canary"}
    ours = GetModelMetadataRequest(model_spec=spec, metadata_field=["signature_def"])
    theirs = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=spec, metadata_field=["signature_def"])
    assert ours.SerializeToString() == theirs.SerializeToString()
    assert GetModelStatusRequest(model_spec=spec).SerializeToString() == (
        get_model_status_pb2.GetModelStatusRequest(model_spec=spec).SerializeToString()
    )


@pytest.mark.parametrize("value", [0x3C00, 0x13C00, -0xC400, 2**31 - 1])
def test_a_half_of_too_many_bits_is_cut_to_its_own(value: int) -> None:
    proto = TensorProto(dtype=19, half_val=[value])
    proto.tensor_shape.dim.add(size=1)
    bits = tensor_proto.to_array(proto).view(np.uint16)
    assert bits.tolist() == [value % 2**16]
    assert bits.tolist() == tf.io.parse_tensor(proto.SerializeToString(), tf.half).numpy().view(np.uint16).tolist()
