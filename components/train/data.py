"""From the Transform step's records to training batches."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from components.encoders.tower import Tower
from components.train.distribute import distributed
from components.train.rows import count, records, size

LOAD_BATCH = 64
SHUFFLE_ROWS = 50_000
SHUFFLE_BYTES = 1 << 28  # compressed
MAX_MEMORY = 1 << 29
"""Bytes of features that are kept in memory, where they have a fixed size, instead of being made anew each epoch."""

type Examples = dict[str, Any]
type Target = Callable[[Examples], tf.Tensor]


def ids_feature(name: str) -> str:
    """Name under which the Transform step stores a text's token ids."""
    return f"{name}_ids"


def training_batches(
    files: Sequence[str],
    towers: Mapping[str, Tower],
    target: tuple[Mapping[str, Any], Target],
    batch_size: int,
    seed: int,
) -> tuple[tf.data.Dataset, int]:
    """Batches of (features by tower, targets) without end, and how many make one pass over the records.

    Each pass has a new order and drops a short last batch; records that do not fill one batch are one. Under a strategy
    of tf.distribute each replica gets its share of a batch. All processes go through the rows in the same order, each
    takes the shares that are its own and makes features of no others. The order is the same as long as every process
    takes one iterator: a second one goes on with the orders where the first, which reads ahead, happens to be.

    Args:
        files: patterns of the records.
        towers: what encodes which part of a row.
        target: features that the targets are made of, as `tf.io.parse_example` wants them, and how.
        batch_size: rows of a batch, of all replicas together.
        seed: of the order.
    """
    columns, make_target = target
    names = {name: ids_feature(name) if tower.reads_token_ids else name for name, tower in towers.items()}
    spec = dict(columns) | {
        names[name]: tf.io.RaggedFeature(tf.int64) if tower.reads_token_ids else tf.io.FixedLenFeature([], tf.string)
        for name, tower in towers.items()
    }

    def parse(serialized: tf.Tensor) -> tuple[dict[str, Any], Examples]:
        examples = tf.io.parse_example(serialized, spec)
        features = {
            name: (tower.featurize_ids if tower.reads_token_ids else tower.featurize)(examples[names[name]])
            for name, tower in towers.items()
        }
        return features, {name: examples[name] for name in columns}

    row_bytes = [tower.feature_bytes for tower in towers.values()]
    loaded = _load(files, parse, sum(filter(None, row_bytes))) if all(row_bytes) else None
    rows = count(files) if loaded is None else int(tf.nest.flatten(loaded)[0].shape[0])

    def make(context: tf.distribute.InputContext) -> tf.data.Dataset:
        share = context.get_per_replica_batch_size(batch_size)
        if loaded is None:
            buffer = max(min(SHUFFLE_ROWS, rows * SHUFFLE_BYTES // max(size(files), 1)), batch_size)
            shuffled = records(files).shuffle(buffer, seed=seed, reshuffle_each_iteration=True)
        else:
            shuffled = tf.data.Dataset.range(rows).shuffle(rows, seed=seed, reshuffle_each_iteration=True)
        batches = shuffled.batch(share, drop_remainder=rows >= share).repeat()
        batches = batches.shard(context.num_input_pipelines, context.input_pipeline_id)
        if loaded is None:
            parsed = batches.map(parse, num_parallel_calls=tf.data.AUTOTUNE)
        else:
            parsed = batches.map(lambda rows: tf.nest.map_structure(lambda values: tf.gather(values, rows), loaded))
        finished = parsed.map(lambda features, examples: (features, make_target(examples)))
        return finished.prefetch(tf.data.AUTOTUNE)

    return distributed(make, batch_size), max(rows // batch_size, 1)


def _load(files: Sequence[str], parse: Callable[[tf.Tensor], Any], row_bytes: int) -> Any | None:
    """What `parse` makes of all records; None as soon as features turn out to take more than MAX_MEMORY."""
    parts, rows = [], 0
    for part in records(files).batch(LOAD_BATCH).map(parse, num_parallel_calls=tf.data.AUTOTUNE):
        parts.append(part)
        rows += int(tf.nest.flatten(part)[0].shape[0])
        if rows * row_bytes > MAX_MEMORY:
            return None
    return tf.nest.map_structure(lambda *values: tf.concat(values, axis=0), *parts)
