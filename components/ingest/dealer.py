"""Deals rows out to splits, without TensorFlow."""

import hashlib
from bisect import bisect
from collections.abc import Mapping
from itertools import accumulate


class Dealer:
    """Deals groups out to splits as TFX's own ExampleGen does: by the SHA-256 of the serialised feature."""

    def __init__(self, shares: Mapping[str, int]) -> None:
        self._names = tuple(shares)
        self._bounds = tuple(accumulate(shares.values()))

    def split_of(self, group: str) -> str:
        """The name of the split that all rows of this group belong to."""
        number = int.from_bytes(hashlib.sha256(bytes_feature(group.encode())).digest())
        return self._names[bisect(self._bounds, number % self._bounds[-1])]


def bytes_feature(value: bytes) -> bytes:
    """A serialised `tf.train.Feature` with one bytes value: field 1 (the value) inside field 1 (the bytes list)."""
    return _field_1(_field_1(value))


def _field_1(content: bytes) -> bytes:
    """Protobuf's wire format of a length-delimited field number 1."""
    length, size = len(content), bytearray()
    while length > 0x7F:  # noqa: PLR2004  seven bits a byte, the eighth says that more follow
        size.append(length & 0x7F | 0x80)
        length >>= 7
    return b"\x0a" + bytes([*size, length]) + content
