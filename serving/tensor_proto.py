"""NumPy arrays to and from `tensorflow.TensorProto` without TensorFlow.

Works on any message class with TensorProto's fields: TensorFlow's own in the server, `serving.protos` in the client.
Reading follows `Tensor::FromProto`, writing follows `Tensor::AsProtoField` (typed fields, as TF Serving answers).
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from serving import dtypes

# A few bytes can announce a huge tensor, because the last value repeats. More than this is taken for an attack.
MAX_REPEATED_BYTES = 256 * 2**20

# Wire tags (field number, length-delimited) of the packed fields whose payload is the array's own memory.
_RAW_FIELDS = {np.dtype(np.float32): b"\x2a", np.dtype(np.float64): b"\x32"}


def to_array(proto: Any) -> np.ndarray:
    """The tensor of a TensorProto; strings come as an object array of bytes.

    Raises ValueError where `Tensor::FromProto` would fail: unknown type or shape, content of the wrong length.
    """
    dtype = dtypes.BY_NUMBER.get(proto.dtype)
    if dtype is None:
        raise ValueError(f"tensors of type {dtypes.name_of(proto.dtype)} cannot be sent")
    tensor_shape = proto.tensor_shape
    shape = [dim.size for dim in tensor_shape.dim]
    if tensor_shape.unknown_rank or (shape and min(shape) < 0):
        raise ValueError("the tensor's shape is not fully known")
    count = math.prod(shape)
    content = proto.tensor_content
    values = _from_content(content, dtype, count) if content else _fit(_from_field(proto, dtype), count)
    return values if len(shape) == 1 else values.reshape(shape)


def _from_content(content: bytes, dtype: dtypes.DType, count: int) -> np.ndarray:
    if dtype.number == dtypes.STRING:
        raise ValueError("strings must be sent in string_val, not in tensor_content")
    if len(content) != count * dtype.numpy.itemsize:
        raise ValueError(f"tensor_content has {len(content)} bytes, the shape needs {count * dtype.numpy.itemsize}")
    return np.frombuffer(content, dtype.numpy)


def _from_field(proto: Any, dtype: dtypes.DType) -> np.ndarray:
    """The values of a typed field; those with too many bits wrap, as in the C++ casts."""
    values = getattr(proto, dtype.field)
    if dtype.number == dtypes.STRING:
        return np.fromiter(values, object, len(values))
    if dtype.field == "half_val":
        return np.array(values, np.int32).astype(np.uint16).view(np.float16)
    if dtype.field == "int_val":
        return np.array(values, np.int32).astype(dtype.numpy)
    return np.array(values, dtype.numpy)


def _fit(values: np.ndarray, count: int) -> np.ndarray:
    """Exactly `count` values: too many are cut, too few are filled up with the last one, none at all mean zeros."""
    missing = count - len(values)
    if missing == 0:
        return values
    if missing < 0:
        return values[:count]
    if missing * values.itemsize > MAX_REPEATED_BYTES:
        raise ValueError(f"the shape needs {count} values, {len(values)} were sent")
    zero = b"" if values.dtype == object else 0
    padding = np.full(missing, values[-1] if len(values) else zero, values.dtype)
    return np.concatenate([values, padding])


def fill(proto: Any, array: np.ndarray) -> None:
    """Write `array` into an empty TensorProto; strings: bytes or str. Raises TypeError for a type without a field."""
    dtype = type_of(array)
    head = _head(dtype.number, array.shape)
    tag = _RAW_FIELDS.get(array.dtype)
    if tag and array.size:
        proto.MergeFromString(b"".join((head, tag, _varint(array.nbytes), array.tobytes())))
        return
    proto.MergeFromString(head)
    values: list[Any]
    if dtype.number == dtypes.STRING:
        values = [encoded(value) for value in array.ravel().tolist()]
    elif dtype.field == "half_val":
        values = np.ascontiguousarray(array).view(np.uint16).ravel().tolist()
    else:
        values = array.ravel().tolist()
    getattr(proto, dtype.field).extend(values)


@lru_cache(256)
def _head(number: int, shape: tuple[int, ...]) -> bytes:
    """Type and shape as they are on the wire: fields 1 and 2, of which the latter holds the sizes as messages."""
    sizes = [b"\x08" + _varint(size) if size else b"" for size in shape]
    dims = b"".join(b"\x12" + _varint(len(size)) + size for size in sizes)
    return b"\x08" + _varint(number) + b"\x12" + _varint(len(dims)) + dims


def type_of(array: np.ndarray) -> dtypes.DType:
    """The tensor type of an array. Raises TypeError if there is none."""
    dtype = dtypes.BY_NUMPY.get(array.dtype)
    if dtype is None:
        raise TypeError(f"arrays of type {array.dtype} cannot be sent; allowed: {_allowed()}")
    return dtype


def encoded(value: object) -> bytes:
    """One value of a string tensor. Raises TypeError for what is neither bytes nor str."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise TypeError(f"a string tensor holds str or bytes, got {type(value).__name__}: {value!r:.80}")


def _varint(number: int) -> bytes:
    """Protocol Buffers' variable-length encoding of a non-negative number."""
    out = bytearray()
    while number >> 7:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _allowed() -> str:
    return ", ".join(
        "str or bytes" if dtype.number == dtypes.STRING else str(dtype.numpy) for dtype in dtypes.BY_NUMBER.values()
    )
