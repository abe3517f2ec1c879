"""Tensors of a predict request and response as JSON, with TF Serving's rules and error texts (util/json_tensor.cc).

    row      {"instances": [row, …]}          → {"predictions": [row, …]}
    column   {"inputs": tensor or {name: …}}  → {"outputs": tensor or {name: …}}

A request is read twice at most: `_dense` takes a well-formed tensor at C speed; where it gives up, `json_strict` walks
the values one by one and finds the error to report.
"""

import base64
import enum
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import orjson

from serving import dtypes
from serving.server import json_parse, json_strict
from serving.server.errors import invalid
from serving.server.json_strict import debug_text, decode_base64, is_base64
from serving.server.signature import TensorSpec

Specs = dict[str, TensorSpec]
Arrays = dict[str, np.ndarray]


class Format(enum.Enum):
    """The two layouts; the answer has the layout of the request."""

    ROW = "predictions"
    COLUMN = "outputs"


def read_document(body: bytes, parse: Callable[[bytes], Any] = json_parse.parse) -> tuple[dict[str, Any], str]:
    """The JSON object in `body` and the signature it names ("" if none). Raises StatusError and what `parse` does."""
    document = parse(body)
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {debug_text(document)} Is not object")
    signature = document.get("signature_name", "")
    if not isinstance(signature, str):
        raise invalid(
            f"JSON Value: {debug_text(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return document, signature


def read_inputs(document: dict[str, Any], specs: Specs, signature: str) -> tuple[Arrays, Format]:
    """The input tensors of a request for a signature with inputs `specs`. Raises StatusError (INVALID_ARGUMENT)."""
    if not specs:
        raise invalid(f"Failed to get input map for signature: {signature or 'DEFAULT'}")
    if "instances" in document:
        if "inputs" in document:
            raise invalid(
                f"JSON Value: {debug_text(document)} Not formatted correctly expecting only"
                " one of 'inputs' or 'instances' keys to exist "
            )
        instances = document["instances"]
        if not isinstance(instances, list):
            raise invalid(f"JSON Value: {debug_text(document)} Excepting 'instances' to be an list/array")
        if not instances:
            raise invalid(f"JSON Value: {debug_text(document)} No values in 'instances' array")
        return _read_rows(instances, specs), Format.ROW
    if "inputs" in document:
        return _read_columns(document["inputs"], specs), Format.COLUMN
    raise invalid("Missing 'inputs' or 'instances' key")


def _read_rows(instances: list[Any], specs: Specs) -> Arrays:
    if not isinstance(instances[0], dict) and len(specs) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects"
            " as multiple input tensors required as per tensorinfo_map"
        )
    columns: dict[str, list[Any]] | None = None
    if not json_strict.is_row_object(instances[0]):
        columns = {next(iter(specs)): instances}
    elif all(type(row) is dict and row.keys() == specs.keys() for row in instances):
        columns = {name: [row[name] for row in instances] for name in specs}
    if columns is not None:
        arrays = {name: _dense(column, specs[name].dtype) for name, column in columns.items()}
        if all(array is not None for array in arrays.values()):
            return arrays  # type: ignore[return-value]
    return {
        name: as_array(flat, (len(instances), *shape), specs[name].dtype)
        for name, (flat, shape) in json_strict.rows(instances, specs).items()
    }


def _read_columns(inputs: Any, specs: Specs) -> Arrays:
    if not isinstance(inputs, dict) or is_base64(inputs):
        if len(specs) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object"
                " as multiple input tensors required as per tensorinfo_map"
            )
        inputs = {next(iter(specs)): inputs}
    arrays = {}
    for name, spec in specs.items():
        if name not in inputs:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
        array = _dense(inputs[name], spec.dtype)
        if array is None:
            flat, shape = json_strict.tensor(inputs[name], name, spec.dtype)
            array = as_array(flat, shape, spec.dtype)
        arrays[name] = array
    return arrays


_LEAF_TYPES: dict[str, set[type]] = {"f": {int, float}, "i": {int}, "u": {int}, "b": {bool}, "O": {str, dict}}


def _dense(value: Any, dtype: int) -> np.ndarray | None:
    """`value` as an array, or None if it is ragged, too deep, or holds anything but values of `dtype`."""
    shape, flat = ([len(value)], value) if type(value) is list else ([], [value])
    while flat and type(flat[0]) is list:
        if set(map(type, flat)) != {list} or len(sizes := set(map(len, flat))) != 1:
            return None
        shape.append(sizes.pop())
        flat = list(chain.from_iterable(flat))
    if dtype not in json_strict.READABLE or len(shape) > json_strict.MAX_RANK:
        return None
    leaves = set(map(type, flat))
    if not leaves <= _LEAF_TYPES[dtypes.BY_NUMBER[dtype].numpy.kind]:
        return None
    if dict in leaves:
        flat = [json_parse.as_bytes(leaf) if type(leaf) is str else decode_base64(leaf) for leaf in flat]
        if None in flat:
            return None
    elif dtype == dtypes.STRING:
        flat = [json_parse.as_bytes(leaf) for leaf in flat]
    try:
        return as_array(flat, tuple(shape), dtype)
    except OverflowError:
        return None


def as_array(flat: list[Any], shape: tuple[int, ...], dtype: int) -> np.ndarray:
    """Checked leaves as an array of `shape`; doubles beyond float32 become infinite, as a C++ cast makes them."""
    kind = dtypes.BY_NUMBER[dtype].numpy
    if dtype == dtypes.STRING:
        array = np.fromiter(flat, object, len(flat))
        return array if len(shape) == 1 else array.reshape(shape)
    if kind.itemsize < np.dtype(np.int32).itemsize and kind.kind in "iu":
        return np.array(flat, np.int32).astype(kind).reshape(shape)  # narrows by wrapping, as the C++ cast does
    with np.errstate(over="ignore"):
        return np.array(flat, kind).reshape(shape)


def write_outputs(outputs: Arrays, layout: Format) -> bytes:
    """The response body. Raises StatusError (INVALID_ARGUMENT) if the tensors do not fit the layout."""
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    if layout is Format.ROW:
        _check_rows(outputs)
    body = _dumped(outputs, layout, finite=True)
    return _dumped(outputs, layout, finite=False) if _NOT_FINITE in body else body


def _dumped(outputs: Arrays, layout: Format, *, finite: bool) -> bytes:
    values = {name: jsonable(name, array, finite=finite) for name, array in outputs.items()}
    answer: Any
    if len(values) == 1:
        (answer,) = values.values()
    elif layout is Format.ROW:
        answer = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    else:
        answer = values
    return orjson.dumps({layout.value: answer}, option=orjson.OPT_SERIALIZE_NUMPY)


def _check_rows(outputs: Arrays) -> None:
    expected = None
    for name, array in outputs.items():
        if array.ndim == 0:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if expected is not None and len(array) != expected:
            raise invalid(f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {expected}")
        expected = len(array)


_NOT_FINITE = b"null"

_WRITABLE = {dtypes.BY_NUMBER[number].numpy for number in (*json_strict.READABLE, dtypes.STRING)}


def jsonable(name: str, array: np.ndarray, *, finite: bool = False) -> Any:
    """What orjson writes as the tensor: the array itself, or nested lists where the values need a form of their own.

    Args:
        name: of the tensor, which says whether strings are bytes.
        array: its values.
        finite: take numbers for finite; orjson writes those that are not as _NOT_FINITE.
    """
    if array.dtype not in _WRITABLE:
        known = dtypes.BY_NUMPY.get(array.dtype)
        raise invalid(f"Failed to write JSON value for tensor type: {known.name if known else array.dtype}")
    if array.dtype == object:
        encode = _base64_object if name.endswith("_bytes") else _text
        return _nested([encode(value) for value in array.ravel().tolist()], array.shape)
    if array.dtype.kind == "f" and not finite and not np.isfinite(array).all():
        return _nested([_number(value) for value in array.ravel()], array.shape)
    return np.ascontiguousarray(array) if array.ndim else array[()]


def _nested(flat: list[Any], shape: tuple[int, ...]) -> Any:
    values = np.empty(len(flat), object)
    values[:] = flat
    return values.reshape(shape).tolist()


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _base64_object(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode()}


def _number(value: np.floating) -> Any:
    if np.isfinite(value):
        return value
    return orjson.Fragment(b"NaN" if np.isnan(value) else b"Infinity" if value > 0 else b"-Infinity")


def error_body(message: str) -> bytes:
    """The body of every failed REST request."""
    return orjson.dumps({"error": json_parse.as_bytes(message).decode("utf-8", "replace")})
