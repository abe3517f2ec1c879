"""From the Transform step's records to training batches."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from components.encoders.encoding import MAX_KEPT
from components.encoders.tower import Tower
from components.train.distribute import distributed
from components.train.rows import count, records, size
from components.train.sampler import ClassSampler
from components.train.signals import Signals

LOAD_BATCH = 64
SHUFFLE_ROWS = 50_000
SHUFFLE_BYTES = 1 << 28  # compressed
MAX_MEMORY = MAX_KEPT
"""Bytes of features that are kept in memory, where they have a fixed size, instead of being made anew each epoch."""

type Examples = dict[str, Any]
type Target = Callable[[Examples], tf.Tensor]
type More = Callable[[Examples], dict[str, Any]]


def ids_feature(name: str) -> str:
    """Name under which the Transform step stores a text's token ids."""
    return f"{name}_ids"


def training_batches(
    files: Sequence[str],
    towers: Mapping[str, Tower],
    target: tuple[Mapping[str, Any], Target],
    batch_size: int,
    seed: int,
    *,
    signals: Signals | None = None,
    sampler: ClassSampler | None = None,
    more: More = lambda _: {},
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
        signals: what else is done to batches of pairs, whose features are made anew for each batch then.
        sampler: what chooses the rows of a batch instead of a random order; the records are kept in memory then.
        more: features that no tower makes.
    """
    columns, make_target = target
    reader = _Reader(towers, columns, raw=signals is not None)

    def parse(serialized: tf.Tensor) -> tuple[dict[str, Any], Examples]:
        examples = reader.parse(serialized)
        return reader.featurize(examples), {name: examples[name] for name in columns}

    row_bytes = [tower.feature_bytes for tower in towers.values()]
    fixed = signals is None and all(row_bytes)
    loaded = _load(files, parse, sum(filter(None, row_bytes))) if fixed else None
    held = _all(files) if loaded is None and sampler is not None else loaded
    rows = count(files) if held is None else int(tf.nest.flatten(held)[0].shape[0])

    def order(share: int) -> tf.data.Dataset:
        if sampler is not None:
            return sampler.batches()
        if held is None:
            buffer = max(min(SHUFFLE_ROWS, rows * SHUFFLE_BYTES // max(size(files), 1)), batch_size)
            shuffled = records(files).shuffle(buffer, seed=seed, reshuffle_each_iteration=True)
        else:
            shuffled = tf.data.Dataset.range(rows).shuffle(rows, seed=seed, reshuffle_each_iteration=True)
        return shuffled.batch(share, drop_remainder=rows >= share).repeat()

    def make(context: tf.distribute.InputContext) -> tf.data.Dataset:
        share = context.get_per_replica_batch_size(batch_size)
        if signals is not None:
            return _with_signals(order(signals.own_rows(share)), context, reader, signals, share).map(finish)
        batches = order(share).shard(context.num_input_pipelines, context.input_pipeline_id)
        if held is not None:
            batches = batches.map(lambda rows: tf.nest.map_structure(lambda values: tf.gather(values, rows), held))
        if loaded is None:
            batches = batches.map(parse, num_parallel_calls=tf.data.AUTOTUNE)
        return batches.map(finish).prefetch(tf.data.AUTOTUNE)

    def finish(features: dict[str, Any], examples: Examples) -> tuple[dict[str, Any], tf.Tensor]:
        return features | more(examples), make_target(examples)

    own_rows = batch_size if signals is None else signals.own_rows(batch_size)
    return distributed(make, batch_size), max(rows // own_rows, 1)


def _with_signals(
    batches: tf.data.Dataset, context: tf.distribute.InputContext, reader: "_Reader", signals: Signals, share: int
) -> tf.data.Dataset:
    """Features and pairs of batches of records; `share` is how many rows there are to be."""

    def parse(step: tf.Tensor, serialized: tf.Tensor) -> tuple[dict[str, Any], Examples]:
        pairs = signals.extend(reader.parse(serialized), share, step)
        return reader.featurize(signals.alter(pairs, step)), pairs

    mine = batches.enumerate().shard(context.num_input_pipelines, context.input_pipeline_id)
    if signals.reads_ahead:
        return mine.map(parse, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    options = tf.data.Options()  # for all of the pipeline: a map behind, made parallel, would read ahead too
    options.experimental_optimization.inject_prefetch = False
    options.experimental_optimization.map_parallelization = False
    return mine.map(parse).with_options(options)


class _Reader:
    """What the records hold of each tower's input, and the features of it.

    Args:
        towers: what encodes which part of a row.
        columns: what else is read.
        raw: read raw values also for towers that could read the Transform step's token ids.
    """

    def __init__(self, towers: Mapping[str, Tower], columns: Mapping[str, Any], *, raw: bool) -> None:
        self._towers = towers
        self._by_ids = {name for name, tower in towers.items() if tower.reads_token_ids and not raw}
        ids = {ids_feature(name): tf.io.RaggedFeature(tf.int64) for name in self._by_ids}
        values = {name: tf.io.FixedLenFeature([], tf.string) for name in towers if name not in self._by_ids}
        self._spec = dict(columns) | ids | values

    def parse(self, serialized: tf.Tensor) -> Examples:
        """Columns and inputs of records, string[N]."""
        return tf.io.parse_example(serialized, self._spec)

    def featurize(self, examples: Examples) -> dict[str, Any]:
        """Features by tower."""
        return {
            name: tower.featurize_ids(examples[ids_feature(name)])
            if name in self._by_ids
            else tower.featurize(examples[name])
            for name, tower in self._towers.items()
        }


def _all(files: Sequence[str]) -> tf.Tensor:
    """All records, string[R]."""
    return tf.constant(list(records(files).as_numpy_iterator()), tf.string)


def _load(files: Sequence[str], parse: Callable[[tf.Tensor], Any], row_bytes: int) -> Any | None:
    """What `parse` makes of all records; None as soon as features turn out to take more than MAX_MEMORY."""
    parts, rows = [], 0
    for part in records(files).batch(LOAD_BATCH).map(parse, num_parallel_calls=tf.data.AUTOTUNE):
        parts.append(part)
        rows += int(tf.nest.flatten(part)[0].shape[0])
        if rows * row_bytes > MAX_MEMORY:
            return None
    return tf.nest.map_structure(lambda *values: tf.concat(values, axis=0), *parts)
