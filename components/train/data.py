"""From the Transform step's records to batches."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from components.encoders.settings import Side
from components.encoders.tower import Tower
from components.tasks.match import answer_key, same_answer

SHUFFLE_BUFFER = 50_000
READ_BATCH = 1_024

_TEXTS = {name: tf.io.FixedLenFeature([], tf.string) for name in ("question", "answer", "id")}


def ids_feature(side: Side) -> str:
    """Name under which the Transform step stores a text's token ids."""
    return f"{side}_ids"


def training_batches(
    files: Sequence[str], towers: Mapping[Side, Tower], batch_size: int, seed: int
) -> tuple[tf.data.Dataset, int]:
    """Batches of (features by side, bool[B, B] labels) without end, and how many make one pass over the records.

    Each pass has a new order and drops a short last batch; records that do not fill one batch are one.
    """
    records = _records(files).shuffle(SHUFFLE_BUFFER, seed=seed, reshuffle_each_iteration=True)
    spec = _TEXTS | {
        ids_feature(side): tf.io.RaggedFeature(tf.int64) for side, tower in towers.items() if tower.reads_token_ids
    }

    def prepare(serialized: tf.Tensor) -> tuple[dict[Side, Any], tf.Tensor]:
        examples = tf.io.parse_example(serialized, spec)
        features = {
            side: tower.featurize_ids(examples[ids_feature(side)])
            if tower.reads_token_ids
            else tower.featurize(examples[side])
            for side, tower in towers.items()
        }
        return features, same_answer(answer_key(examples["answer"]))

    rows = count(files)
    batches = records.batch(batch_size, drop_remainder=rows >= batch_size)
    prepared = batches.repeat().map(prepare, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    return prepared, max(rows // batch_size, 1)


def read_texts(files: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """(id, question, answer) of every record."""
    parsed = _records(files).batch(READ_BATCH).map(lambda batch: tf.io.parse_example(batch, _TEXTS))
    for batch in parsed.as_numpy_iterator():
        for row in zip(batch["id"], batch["question"], batch["answer"], strict=True):
            yield tuple(value.decode() for value in row)


def read_library(files: Sequence[str]) -> dict[str, str]:
    """Every answer once, with the smallest id of its rows, in the order of these ids."""
    ids: dict[str, str] = {}
    for row_id, _, answer in read_texts(files):
        ids[answer] = min(row_id, ids.get(answer, row_id))
    return dict(sorted(ids.items(), key=lambda item: (item[1], item[0])))


def count(files: Sequence[str]) -> int:
    """Number of records."""
    sizes = _records(files).batch(READ_BATCH).map(lambda batch: tf.size(batch, tf.int64))
    return int(sizes.reduce(tf.constant(0, tf.int64), tf.add))


def _records(files: Sequence[str]) -> tf.data.Dataset:
    names = sorted(name for pattern in files for name in tf.io.gfile.glob(pattern))
    return tf.data.TFRecordDataset(names, compression_type="GZIP")
