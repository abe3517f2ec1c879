"""Writes the TFRecord files of an Examples artifact: one per split and shard, named as TFX names them."""

import os
import uuid
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import tensorflow as tf

MAX_SHARDS = 32
_COMPRESSION = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=3)


def shards_of(units: Sequence[object]) -> int:
    """How many shards these units of input make: one each, but no more than MAX_SHARDS."""
    return min(len(units), MAX_SHARDS)


class ShardWriter:
    """Writes one shard of each split. The files appear when all is written; a second try replaces them whole."""

    def __init__(self, folder: str, splits: Iterable[str], shard: int, shards: int) -> None:
        name = f"data_tfrecord-{shard:05d}-of-{shards:05d}.gz"
        self._paths = {split: os.path.join(folder, f"Split-{split}", name) for split in splits}  # noqa: PTH118 - a URI
        # Beside the splits' folders: all that lies in those is read, also what a killed worker left half-written.
        self._incoming = {split: os.path.join(folder, f".{split}-{name}.{uuid.uuid4().hex}") for split in splits}  # noqa: PTH118
        self._writers: dict[str, tf.io.TFRecordWriter] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        for split, path in self._paths.items():
            tf.io.gfile.makedirs(os.path.dirname(path))  # noqa: PTH120
            writer = tf.io.TFRecordWriter(self._incoming[split], _COMPRESSION)
            self._writers[split] = self._open.enter_context(writer)
        return self

    def write(self, split: str, example: bytes) -> None:
        """Appends one serialised example."""
        self._writers[split].write(example)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()
        for split, path in self._paths.items():
            if kind is None:
                tf.io.gfile.rename(self._incoming[split], path, overwrite=True)
            else:
                tf.io.gfile.remove(self._incoming[split])
