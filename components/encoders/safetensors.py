"""Reads the safetensors format: 8 bytes with the length of a JSON header, the header, the numbers of all tensors."""

import json
import mmap
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from components.errors import UserError


def read_tensors(file: Path) -> Mapping[str, np.ndarray]:
    """Tensors by name; those of half precision become float32.

    Raises:
        UserError: the file is not of that format.
    """
    try:
        with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            start = 8 + int.from_bytes(data[:8], "little")
            header = json.loads(data[8:start])
            header.pop("__metadata__", None)
            return {
                name: _tensor(data[start + first : start + last], entry["dtype"], entry["shape"])
                for name, entry in header.items()
                for first, last in [entry["data_offsets"]]
            }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file} is not a whole file of the safetensors format: {error}") from None


def _tensor(data: bytes, dtype: str, shape: list[int]) -> np.ndarray:
    if dtype == "BF16":  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").reshape(shape)
    letter = {"F": "f", "I": "i", "U": "u"}[dtype[0]]
    tensor = np.frombuffer(data, f"<{letter}{int(dtype[1:]) // 8}").reshape(shape)
    return tensor.astype(np.float32) if letter == "f" else tensor
