"""The client that needs no TensorFlow, against a running server."""

import subprocess
import sys
from typing import Any

import grpc
import numpy as np
import pytest

from serving.client import Client, ServingError


def test_import_and_use_load_no_tensorflow(server: Any) -> None:
    program = f"""
import sys
from serving.client import Client
with Client("{server.host}", {server.grpc_port}) as client:
    print(client.predict("zoo", {{"x": [1.0, 5.0]}})["y"].tolist())
print([name for name in sys.modules if name.split(".")[0] in {{"tensorflow", "tensorflow_serving", "keras"}}])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[2.5, 4.5]\n[]\n"


@pytest.mark.parametrize(
    ("signature", "inputs"),
    [
        ("serving_default", {"x": [1.0, 2.25, -3.5]}),
        ("matrix", {"x": [[0.1, 0.2, 0.3], [1.0, 2.0, 4.0]]}),
        ("two_inputs", {"a": [1.5, 2.5], "b": [3, -4]}),
        ("total", {"x": [1.0, 2.5]}),
        ("scalar", {"x": 4.5}),
        ("reciprocal", {"x": [0.0, float("inf"), 3.0]}),
    ],
)
def test_values_equal_those_of_rest(client: Client, rest: Any, signature: str, inputs: dict[str, Any]) -> None:
    over_grpc = client.predict("zoo", inputs, signature)
    answer = rest("POST", "/v1/models/zoo:predict", {"signature_name": signature, "inputs": inputs}).json["outputs"]
    over_rest = answer if isinstance(answer, dict) else {next(iter(over_grpc)): answer}
    assert over_grpc.keys() == over_rest.keys()
    for name, array in over_grpc.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, np.array(over_rest[name], np.float32))


def test_strings_and_bytes(client: Client) -> None:
    outputs = client.predict("zoo", {"text": ["né", b"\xffa\x00"]}, "shout")
    assert outputs["upper"].tolist() == ["Né".encode(), b"\xffA\x00"]
    assert outputs["length"].dtype == np.int32
    assert outputs["length"].tolist() == [3, 3]


def test_arrays_keep_their_types(client: Client) -> None:
    inputs = {
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
    outputs = client.predict("zoo", inputs, "kinds")
    assert outputs.keys() == inputs.keys()
    for name, array in inputs.items():
        assert outputs[name].dtype == array.dtype
        np.testing.assert_array_equal(outputs[name], array)


def test_a_version_can_be_chosen(client: Client) -> None:
    answers = [client.predict("adder", {"x": [1.0]}, version=version)["y"].tolist() for version in (1, 2, None)]
    assert answers == [[2.0], [3.0], [3.0]]


def test_refusals_have_code_and_text(client: Client) -> None:
    with pytest.raises(ServingError) as caught:
        client.predict("nobody", {"x": [1.0]})
    assert caught.value.code == grpc.StatusCode.NOT_FOUND
    assert caught.value.message == "Servable not found for request: Latest(nobody)"
    assert str(caught.value) == "NOT_FOUND: Servable not found for request: Latest(nobody)"


def test_nobody_there() -> None:
    with Client("127.0.0.1", 1) as client, pytest.raises(ServingError) as caught:
        client.predict("zoo", {"x": [1.0]}, timeout=5)
    assert caught.value.code == grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([[1.0], [1.0, 2.0]], "input 'x' is ragged"),
        (["a", 1], "a string tensor holds str or bytes, got int: 1"),
        (np.array([1j]), "arrays of type complex128 cannot be sent"),
    ],
)
def test_values_that_are_no_tensors(client: Client, value: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        client.predict("zoo", {"x": value})
