"""Reads the records that the ingest and the Transform step write."""

import random
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

READ_BATCH = 1_024


def records(files: Sequence[str]) -> tf.data.Dataset:
    """Serialised tf.Examples of all files that these patterns match, in the order of their names."""
    return tf.data.TFRecordDataset(tf.constant(names_of(files), tf.string), compression_type="GZIP")


def read_batches(files: Sequence[str], names: Sequence[str], size: int = READ_BATCH) -> Iterator[list[np.ndarray]]:
    """Batches of the bytes features `names`, each an object array of bytes."""
    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in names}
    for batch in records(files).batch(size):
        columns = tf.io.parse_example(batch, spec)  # as fast as in a pipeline, of which there is none to build
        yield [columns[name].numpy() for name in names]


def sample_batches(
    files: Sequence[str], names: Sequence[str], most: int, seed: int, size: int = READ_BATCH
) -> Iterator[list[np.ndarray]]:
    """As `read_batches`, but of all rows or, where there are more than `most`, of a seeded sample of so many."""
    rows = count(files)
    chosen = np.zeros(rows, bool)
    chosen[random.Random(seed).sample(range(rows), min(rows, most))] = True  # noqa: S311
    start = 0
    for batch in read_batches(files, names, size):
        taken = chosen[start : start + len(batch[0])]
        start += len(taken)
        if taken.any():
            yield [values[taken] for values in batch]


def read_rows(files: Sequence[str], names: Sequence[str]) -> Iterator[tuple[bytes, ...]]:
    """The bytes features `names` of every record."""
    for batch in read_batches(files, names):
        yield from zip(*batch, strict=True)


def count(files: Sequence[str]) -> int:
    """Number of records."""
    sizes = records(files).batch(READ_BATCH).map(lambda batch: tf.size(batch, tf.int64))
    return int(sizes.reduce(tf.constant(0, tf.int64), tf.add))


def size(files: Sequence[str]) -> int:
    """Bytes of all files, as they are compressed."""
    return sum(tf.io.gfile.stat(name).length for name in names_of(files))


def names_of(files: Sequence[str]) -> list[str]:
    """All files that these patterns match, sorted."""
    return sorted(name for pattern in files for name in tf.io.gfile.glob(pattern))
