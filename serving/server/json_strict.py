"""JSON values to tensors one value at a time, in TF Serving's order and with its error texts (util/json_tensor.cc).

Slow and exact: `json_tensor` comes here only with a request that its fast path did not take, nearly always to find out
what is wrong with it.
"""

import base64
import binascii
import json
from typing import Any

from serving import dtypes
from serving.server.errors import Code, StatusError, invalid
from serving.server.json_parse import as_bytes
from serving.server.signature import TensorSpec

# NumPy's limit. (TensorFlow's is 254; nobody has more than a handful.)
MAX_RANK = 64

# DataTypes that a JSON value can become: float, double, int32, uint8, int16, int8, string, int64, bool, uint32, uint64.
READABLE = (1, 2, 3, 4, 5, 6, 7, 9, 10, 22, 23)

_FLOATS = {1, 2}
_BOOL = 10
_RANGES = {**dict.fromkeys((3, 4, 5, 6), (-(2**31), 2**31)), 9: (-(2**63), 2**63), 22: (0, 2**32), 23: (0, 2**64)}

_DEBUG_BYTES = 256

Flat = tuple[list[Any], tuple[int, ...]]


def is_base64(value: Any) -> bool:
    """Whether `value` is `{"b64": "…"}`, exactly that key."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def is_row_object(value: Any) -> bool:
    """Whether a row names its inputs, rather than being the value of the only one."""
    return isinstance(value, dict) and not is_base64(value)


def decode_base64(value: dict[str, Any]) -> bytes | None:
    """The bytes of `{"b64": "…"}`, None if it is anything else. Padding may be missing, white space is passed over."""
    if not is_base64(value):
        return None
    text = b"".join(as_bytes(value["b64"]).split())
    try:
        return base64.b64decode(text.rstrip(b"=") + b"=" * (-len(text.rstrip(b"=")) % 4), validate=True)
    except binascii.Error:
        return None


def rows(instances: list[Any], specs: dict[str, TensorSpec]) -> dict[str, Flat]:
    """The leaves of each input over all rows, and the shape of one row. Raises StatusError (INVALID_ARGUMENT)."""
    named = is_row_object(instances[0])
    tensors: dict[str, Flat] = {}
    for number, row in enumerate(instances):
        where = f"Failed to process element: {number}"
        if not named:
            if is_row_object(row):
                raise invalid(f"Expecting value/list but got object at item {number} of input list")
            try:
                _add_row(tensors, next(iter(specs)), row, specs)
            except StatusError as error:
                raise invalid(f"{where} of 'instances' list. Error: {error}") from error
            continue
        if not is_row_object(row):
            raise invalid(f"Expecting object but got list at item {number} of input list")
        for name, value in row.items():
            try:
                _add_row(tensors, name, value, specs)
            except StatusError as error:
                raise invalid(f"{where} key: {name} of 'instances' list. Error: {error}") from error
        if row.keys() != specs.keys():
            raise invalid(
                f"{where} of 'instances' list. JSON object: {debug_text(row)} keys must be equal to: {','.join(specs)}"
            )
    return tensors


def _add_row(tensors: dict[str, Flat], name: str, value: Any, specs: dict[str, TensorSpec]) -> None:
    if name not in specs:
        raise invalid(f"JSON object: does not have named input: {name}")
    flat, shape = tensor(value, name, specs[name].dtype)
    if name not in tensors:
        tensors[name] = flat, shape
        return
    so_far, expected = tensors[name]
    size = 1
    for dimension in expected:
        size *= dimension
    if len(flat) != size:
        raise invalid(f"Expecting tensor size: {size} but got: {len(flat)}")
    if shape != expected:
        raise invalid(f"Expecting shape {_shape_text(expected)} but got: {_shape_text(shape)}")
    so_far.extend(flat)


def tensor(value: Any, name: str, dtype: int) -> Flat:
    """Leaves and shape of one tensor. The first element at each level fixes the level's size."""
    shape = []
    probe = value
    while isinstance(probe, list):
        shape.append(len(probe))
        if not probe:
            break
        probe = probe[0]
    if len(shape) >= MAX_RANK:  # one more for the rows
        raise invalid(f"tensor parsing error: {name}")
    flat: list[Any] = []
    _fill(value, 0, tuple(shape), dtype, flat)
    return flat, tuple(shape)


def _fill(value: Any, level: int, shape: tuple[int, ...], dtype: int, flat: list[Any]) -> None:
    rank = len(shape)
    if not isinstance(value, list):
        if level != rank:
            raise invalid(
                f"JSON Value: {debug_text(value)} found at incorrect level: {level + 1} in the JSON DOM."
                f" Expected at level: {rank}"
            )
        flat.append(_leaf(value, dtype))
        return
    if level >= rank:
        raise invalid(f"Encountered list at unexpected level: {level} expected < {rank}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    for element in value:
        _fill(element, level + 1, shape, dtype, flat)


def _leaf(value: Any, dtype: int) -> Any:
    if dtype == dtypes.STRING and isinstance(value, dict):
        if not is_base64(value):
            raise invalid(f"JSON Value: {debug_text(value)} not formatted correctly for base64 data")
        decoded = decode_base64(value)
        if decoded is None:
            raise invalid("Unable to base64 decode")
        return decoded
    if dtype not in READABLE and not isinstance(value, dict):
        raise StatusError(
            Code.UNIMPLEMENTED,
            f"Conversion of JSON Value: {debug_text(value)} to type: {dtypes.name_of(dtype)}",
        )
    if not _is_of_type(value, dtype):
        raise invalid(
            f"JSON Value: {debug_text(value)} Type: {type_text(value)} is not of expected type: {dtypes.name_of(dtype)}"
        )
    return as_bytes(value) if dtype == dtypes.STRING else value


def _is_of_type(value: Any, dtype: int) -> bool:
    if dtype == dtypes.STRING:
        return isinstance(value, str)
    if dtype == _BOOL:
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if dtype in _FLOATS:
        return isinstance(value, int | float)
    low, high = _RANGES.get(dtype, (0, 0))
    return isinstance(value, int) and low <= value < high


def debug_text(value: Any) -> str:
    """`value` as indented JSON, cut after 256 bytes so that an error never echoes a whole request."""
    pieces: list[str] = []
    length = 0
    for piece in json.JSONEncoder(ensure_ascii=False, indent=4).iterencode(value):
        pieces.append(piece)
        length += len(piece)
        if length >= _DEBUG_BYTES:
            break
    return as_bytes("".join(pieces))[:_DEBUG_BYTES].decode("utf-8", "ignore")


def type_text(value: Any) -> str:
    """The name RapidJSON has for the type of `value`."""
    if value is None or isinstance(value, bool):
        return {None: "Null", True: "True", False: "False"}[value]
    return "Object" if isinstance(value, dict) else "Array" if isinstance(value, list) else _scalar_text(value)


def _scalar_text(value: Any) -> str:
    return "String" if isinstance(value, str) else "Number"


def _shape_text(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"
