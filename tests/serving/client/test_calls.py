"""Every call, by both kinds of client and over both APIs, against a real server."""

from typing import Any

import numpy as np
import pytest
from grpc import StatusCode

from serving.client import Answer, Label, ModelVersion, Neighbor, ServingError, State, TensorSpec


@pytest.mark.parametrize("signature", ["question", "text_features"])
def test_vectors_of_texts(any_client: Any, signature: str) -> None:
    vectors = getattr(any_client, signature)("faq", ["né", "abcd", "x"])
    assert vectors.dtype == np.float32
    assert vectors.tolist() == [[6, -6, 1], [8, -8, 1], [2, -2, 1]]


@pytest.mark.parametrize("signature", ["answer", "image_features"])
def test_vectors_of_pictures(any_client: Any, signature: str) -> None:
    vectors = getattr(any_client, signature)("faq", [b"\xff\x00\x89", b""])
    assert vectors.dtype == np.float32
    assert vectors.tolist() == [[6, -6, 1], [0, 0, 1]]


def test_search(any_client: Any) -> None:
    assert any_client.search("faq", ["fence", "ü"]) == [
        [Answer("a1", "né fence", 10.0), Answer("fence", "fence", 2.5)],
        [Answer("a1", "né ü", 4.0), Answer("ü", "ü", 1.0)],
    ]


def test_classify(any_client: Any) -> None:
    assert any_client.classify("faq", ["eight"]) == [[Label("seven", 0.75), Label("length 5", 0.25)]]


def test_neighbors(any_client: Any) -> None:
    assert any_client.neighbors("faq", ["ab"]) == [
        [Neighbor("7/a.png", "seven", 0.5), Neighbor("7/b.png", "eight", 0.25)]
    ]


@pytest.mark.parametrize(
    ("options", "first"),
    [({}, 6.0), ({"version": 1}, 3.0), ({"version": 2}, 6.0), ({"label": "stable"}, 3.0), ({"label": "canary"}, 6.0)],
)
def test_a_version_is_chosen_by_number_or_label(any_client: Any, options: dict[str, Any], first: float) -> None:
    assert any_client.question("faq", ["abc"], **options)[0, 0] == first
    assert any_client.predict("faq", {"text": ["abc"]}, "question", **options)["vector"][0, 0] == first


def test_a_version_and_a_label_are_one_too_many(any_client: Any) -> None:
    with pytest.raises(ValueError, match="give version or label, not both; got version 1 and label 'stable'"):
        any_client.question("faq", ["a"], version=1, label="stable")


def test_names_are_quoted_in_paths(any_client: Any) -> None:
    assert any_client.question("a b/ü", ["abc"])[0, 0] == 6.0
    assert any_client.metadata("a b/ü").model == "a b/ü"


def test_status(any_client: Any) -> None:
    ok = (State.AVAILABLE, StatusCode.OK, "")
    assert any_client.status("faq") == [ModelVersion(2, *ok), ModelVersion(1, *ok)]
    assert any_client.status("faq", version=1) == [ModelVersion(1, *ok)]


def test_metadata(any_client: Any) -> None:
    metadata = any_client.metadata("faq", label="stable")
    assert (metadata.model, metadata.version) == ("faq", 1)
    search = metadata.signatures["search"]
    assert search.method == "tensorflow/serving/predict"
    assert search.inputs == {"text": TensorSpec("string", (None,))}
    assert search.outputs == {
        "ids": TensorSpec("string", (None, 2)),
        "candidates": TensorSpec("string", (None, 2)),
        "scores": TensorSpec("float", (None, 2)),
    }
    assert any_client.metadata("zoo").signatures["scalar"].inputs == {"x": TensorSpec("float", ())}


ARRAYS = {
    "bool": np.array([True, False, True]),
    "float64": np.array([0.1, 1e300, -2.0]),
    "int8": np.array([-128, 0, 127], np.int8),
    "int16": np.array([-32768, 0, 5], np.int16),
    "int32": np.array([-(2**31), 0, 5], np.int32),
    "int64": np.array([-(2**63), 0, 5], np.int64),
    "uint8": np.array([0, 1, 255], np.uint8),
    "uint32": np.array([0, 1, 2**32 - 1], np.uint32),
    "uint64": np.array([0, 1, 2**64 - 1], np.uint64),
}


def test_arrays_keep_their_types(any_client: Any) -> None:
    outputs = any_client.predict("zoo", ARRAYS, "kinds")
    assert outputs.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert outputs[name].dtype == array.dtype
        np.testing.assert_array_equal(outputs[name], array)


@pytest.mark.parametrize(
    ("signature", "inputs", "outputs"),
    [
        ("serving_default", {"x": [1.0, 2.25, -3.5]}, {"y": [2.5, 3.125, 0.25]}),
        ("matrix", {"x": [[0.5, 2.0]]}, {"y": [[1.5, 3.0]], "row_sum": [2.5]}),
        ("two_inputs", {"a": [1.5, 2.5], "b": [3, -4]}, {"difference": [-1.5, 6.5]}),
        ("total", {"x": [1.0, 2.5]}, {"total": 3.5}),
        ("scalar", {"x": 4.5}, {"twice": 9.0}),
        ("reciprocal", {"x": [0.0, float("-inf"), 4.0, float("nan")]}, {"y": [np.inf, -0.0, 0.25, np.nan]}),
        ("serving_default", {"x": np.zeros([0], np.float32)}, {"y": []}),
    ],
)
def test_predict(any_client: Any, signature: str, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
    answer = any_client.predict("zoo", inputs, signature)
    assert answer.keys() == outputs.keys()
    for name, array in answer.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, np.array(outputs[name], np.float32))


def test_strings_and_bytes(any_client: Any) -> None:
    outputs = any_client.predict("zoo", {"text": ["né", b"a\x00b"]}, "shout")
    assert outputs["upper"].tolist() == ["Né".encode(), b"A\x00B"]
    assert outputs["raw_bytes"].tolist() == ["né".encode(), b"a\x00b"]
    assert outputs["length"].dtype == np.int32
    assert outputs["length"].tolist() == [3, 3]


REFUSALS = [
    ("nobody", "serving_default", StatusCode.NOT_FOUND, "Servable not found for request: Latest(nobody)"),
    ("zoo", "positive", StatusCode.INVALID_ARGUMENT, "x must be positive"),
    ("zoo", "two_inputs", StatusCode.INVALID_ARGUMENT, "a"),
]


@pytest.mark.parametrize(("model", "signature", "code", "text"), REFUSALS)
def test_refusals_have_code_and_sentence(
    any_client: Any, model: str, signature: str, code: StatusCode, text: str
) -> None:
    with pytest.raises(ServingError) as caught:
        any_client.predict(model, {"x": [-1.0]}, signature)
    assert caught.value.code == code
    assert text in caught.value.message
    assert str(caught.value) == f"{code.name}: {caught.value.message}"


def test_no_such_signature(any_client: Any) -> None:
    with pytest.raises(ServingError, match='"nothing" not found') as caught:
        any_client.predict("zoo", {"x": [1.0]}, "nothing")
    assert caught.value.code in {StatusCode.INVALID_ARGUMENT, StatusCode.FAILED_PRECONDITION}  # as TF Serving has it


@pytest.mark.parametrize("call", ["status", "metadata"])
def test_no_such_model(any_client: Any, call: str) -> None:
    with pytest.raises(ServingError) as caught:
        getattr(any_client, call)("nobody")
    assert caught.value.code == StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([[1.0], [1.0, 2.0]], "input 'x' is ragged"),
        (["a", 1], "a string tensor holds str or bytes, got int: 1"),
        (np.array([1j]), "arrays of type complex128 cannot be sent"),
    ],
)
def test_values_that_are_no_tensors(any_client: Any, value: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        any_client.predict("zoo", {"x": value})


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ("How long?", "rows must be a list, one item a row; got one str: 'How long\\?'"),
        ([], "rows must be all texts .str. or all pictures .bytes.; got none"),
        (["a", b"b"], "got bytes, str"),
        ([1], "got int"),
    ],
)
def test_rows_that_are_neither_texts_nor_pictures(any_client: Any, rows: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        any_client.search("faq", rows)
