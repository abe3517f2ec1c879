"""The tensor types that are served: TensorFlow's number and name, NumPy's type, TensorProto's field."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class DType:
    """One element type of `tensorflow.DataType`."""

    number: int
    name: str
    numpy: np.dtype
    field: str


_ROWS = (
    (1, "float", np.float32, "float_val"),
    (2, "double", np.float64, "double_val"),
    (3, "int32", np.int32, "int_val"),
    (4, "uint8", np.uint8, "int_val"),
    (5, "int16", np.int16, "int_val"),
    (6, "int8", np.int8, "int_val"),
    (7, "string", np.object_, "string_val"),
    (9, "int64", np.int64, "int64_val"),
    (10, "bool", np.bool_, "bool_val"),
    (17, "uint16", np.uint16, "int_val"),
    (19, "half", np.float16, "half_val"),
    (22, "uint32", np.uint32, "uint32_val"),
    (23, "uint64", np.uint64, "uint64_val"),
)

STRING = 7
BY_NUMBER = {number: DType(number, name, np.dtype(kind), field) for number, name, kind, field in _ROWS}
BY_NUMPY = {dtype.numpy: dtype for dtype in BY_NUMBER.values()}

# Types that a model may have but no request can carry; only their names are needed, in error messages.
_OTHER_NAMES = {8: "complex64", 14: "bfloat16", 18: "complex128", 20: "resource", 21: "variant"}


def name_of(number: int) -> str:
    """TensorFlow's name of a DataType, as its error messages write it."""
    known = BY_NUMBER.get(number)
    return known.name if known else _OTHER_NAMES.get(number, f"DataType({number})")
