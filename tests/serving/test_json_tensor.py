"""Tensors as JSON: what is read, what is written, that nothing wild does harm. The texts are tested in test_rest."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from serving import dtypes
from serving.server import json_strict, json_tensor
from serving.server.errors import Code, StatusError
from serving.server.json_tensor import Format
from serving.server.signature import TensorSpec

FLOAT, STRING = 1, dtypes.STRING
KINDS = st.sampled_from(json_strict.READABLE)

WILD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.floats()
    | st.text(max_size=3)
    | st.just({"b64": "aGk="}),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "b", "b64", "instances", "inputs", "signature_name"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)

RAGGED = st.recursive(st.integers(0, 9), lambda inner: st.lists(inner, max_size=3), max_leaves=8)


def specs(*kinds: int) -> dict[str, TensorSpec]:
    return {name: TensorSpec(f"{name}:0", kind) for name, kind in zip("ab", kinds, strict=False)}


def read(body: Any, *kinds: int) -> tuple[dict[str, np.ndarray], Format]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    document, signature = json_tensor.read_document(raw)
    return json_tensor.read_inputs(document, specs(*kinds), signature)


def tensors(rows: int | None = None) -> st.SearchStrategy[np.ndarray]:
    shapes = arrays.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)
    if rows is not None:
        shapes = shapes.map(lambda shape: (rows, *shape[1:]))

    def of_kind(number: int) -> st.SearchStrategy[np.ndarray]:
        kind = dtypes.BY_NUMBER[number].numpy
        elements = st.binary(max_size=4) if number == STRING else arrays.from_dtype(kind)
        return arrays.arrays(kind, shapes, elements=elements, fill=st.nothing())

    return KINDS.flatmap(of_kind)


def same(left: np.ndarray, right: np.ndarray) -> None:
    assert left.dtype == right.dtype
    np.testing.assert_array_equal(left, right)


@given(tensors(), st.sampled_from(Format))
def test_what_is_written_is_read_again(array: np.ndarray, layout: Format) -> None:
    name = "x_bytes" if array.dtype == object else "x"
    body = json_tensor.write_outputs({name: array}, layout)
    key = {Format.ROW: b"instances", Format.COLUMN: b"inputs"}[layout]
    document, _ = json_tensor.read_document(body.replace(layout.value.encode(), key, 1))
    number = dtypes.BY_NUMPY[array.dtype].number
    inputs, found = json_tensor.read_inputs(document, {"x": TensorSpec("x:0", number)}, "")
    assert found is layout
    same(inputs["x"], array)


@given(tensors(rows=3), tensors(rows=3))
def test_rows_of_several_outputs_are_read_again(left: np.ndarray, right: np.ndarray) -> None:
    names = [f"{name}_bytes" for name in "ab"]
    body = json_tensor.write_outputs(dict(zip(names, (left, right), strict=True)), Format.ROW)
    document, _ = json_tensor.read_document(body.replace(b"predictions", b"instances", 1))
    wanted = {
        name: TensorSpec("", dtypes.BY_NUMPY[array.dtype].number)
        for name, array in zip(names, (left, right), strict=True)
    }
    inputs, _ = json_tensor.read_inputs(document, wanted, "")
    same(inputs[names[0]], left)
    same(inputs[names[1]], right)


@given(WILD | RAGGED, KINDS)
@example([[1, 2], [3]], FLOAT)
@example([[1, 2], 3], FLOAT)
@example([[], [1]], FLOAT)
def test_the_fast_path_agrees_with_the_strict_one(value: Any, kind: int) -> None:
    fast = json_tensor._dense(value, kind)
    try:
        flat, shape = json_strict.tensor(value, "a", kind)
    except StatusError:
        assert fast is None
        return
    assert fast is not None
    same(fast, json_tensor.as_array(flat, shape, kind))


@given(WILD, st.lists(KINDS, min_size=1, max_size=2))
def test_wild_json_is_read_or_refused(value: Any, kinds: list[int]) -> None:
    for document in (value, {"instances": value}, {"inputs": value}, {"instances": [value, value]}):
        try:
            inputs, _ = read(document, *kinds)
            answer = json_tensor.write_outputs(inputs, Format.COLUMN)
        except StatusError as refusal:
            assert refusal.code is Code.INVALID_ARGUMENT  # noqa: PT017  (either outcome is right)
            answer = json_tensor.error_body(refusal.message)
        assert len(json.loads(answer)) == 1


@pytest.mark.parametrize("depth", [65, 250, 1000])
def test_too_many_dimensions_are_refused(depth: int) -> None:
    body = b'{"inputs": ' + b"[" * depth + b"1" + b"]" * depth + b"}"
    with pytest.raises(StatusError, match="tensor parsing error: a"):
        read(body, FLOAT)


def test_small_integers_wrap_as_a_cast_does() -> None:
    inputs, _ = read({"inputs": [300, -129, 7]}, 6)
    assert inputs["a"].tolist() == [44, 127, 7]


def test_floats_out_are_float32s_own_digits() -> None:
    array = np.array([[0.1, 1e-7], [16777216, 3.4028235e38]], np.float32)
    assert (
        json_tensor.write_outputs({"y": array}, Format.ROW)
        == b'{"predictions":[[0.1,1e-7],[16777216.0,3.4028235e+38]]}'
    )


def test_text_that_is_not_utf8_is_shown_with_replacements() -> None:
    array = np.array([b"a\xff"], object)
    assert json_tensor.write_outputs({"y": array}, Format.ROW) == '{"predictions":["a\ufffd"]}'.encode()


def test_arrays_that_are_not_contiguous() -> None:
    array = np.arange(6, dtype=np.int32).reshape(2, 3).T
    assert json_tensor.write_outputs({"y": array}, Format.COLUMN) == b'{"outputs":[[0,3],[1,4],[2,5]]}'


def test_half_floats_cannot_be_written() -> None:
    with pytest.raises(StatusError, match="Failed to write JSON value for tensor type: half"):
        json_tensor.write_outputs({"y": np.array([1], np.float16)}, Format.ROW)


def test_no_outputs_cannot_be_written() -> None:
    with pytest.raises(StatusError, match="Cannot convert empty tensor map to JSON"):
        json_tensor.write_outputs({}, Format.ROW)


def test_base64_may_lack_padding_and_have_blanks() -> None:
    inputs, _ = read({"instances": [{"b64": "aGk"}, {"b64": " aG\nk= "}, {"b64": ""}]}, STRING)
    assert inputs["a"].tolist() == [b"hi", b"hi", b""]


def test_error_bodies_are_json_whatever_the_message_holds() -> None:
    assert json.loads(json_tensor.error_body('a "b" \udcff\n')) == {"error": 'a "b" \ufffd\n'}
