"""Batches of P classes with K examples each: every row has others of its class to compare with, and of others.

What batch-hard triplets and losses on neighbours need: Hermans et al. 2017, "In Defense of the Triplet Loss for Person
Re-Identification", section 2.
"""

import numpy as np
import tensorflow as tf

from components.errors import UserError
from components.train.signal_settings import SamplerSettings


class ClassSampler:
    """Draws the places of the rows of each batch.

    Classes of a batch differ, and so do its examples of a class that has as many as are wanted; a smaller class gives
    some of them twice. Every class is drawn equally often, however many rows it has.

    Args:
        settings: how many classes and examples.
        labels: int[R], the class of each row.
        seed: of the draws.

    Raises:
        UserError: there are fewer classes than are wanted.
    """

    def __init__(self, settings: SamplerSettings, labels: np.ndarray, seed: int) -> None:
        counts = np.unique(labels, return_counts=True)[1]
        if len(counts) < settings.classes:
            raise UserError(
                f"train.sampler.classes is {settings.classes}, but the training split has only {len(counts)} labels"
            )
        self._settings = settings
        self._rows = tf.constant(np.argsort(labels, kind="stable"), tf.int64)
        self._count = tf.constant(counts, tf.int64)
        self._start = tf.constant(np.cumsum(counts) - counts, tf.int64)
        self._seed = seed

    def batches(self) -> tf.data.Dataset:
        """Places, int64[classes * examples] each, without end."""
        return tf.data.Dataset.counter().map(self._draw)

    def _draw(self, step: tf.Tensor) -> tf.Tensor:
        classes, examples = self._settings.classes, self._settings.examples
        draws = tf.random.stateless_uniform(tf.shape(self._count), tf.stack([self._seed, step]))
        chosen = tf.repeat(tf.cast(tf.math.top_k(draws, classes).indices, tf.int64), examples)
        number = tf.tile(tf.range(examples, dtype=tf.int64), [classes])
        count = tf.gather(self._count, chosen)
        seeds = tf.stack([tf.fill(tf.shape(chosen), step + self._seed), number // count], axis=1)
        place = shuffled(number % count, seeds, count - 1)
        return tf.gather(self._rows, tf.gather(self._start, chosen) + place)


def shuffled(places: tf.Tensor, seeds: tf.Tensor, last: tf.Tensor) -> tf.Tensor:
    """Where each place, int64[N], goes in a permutation.

    It is of 0 … `last`, int64[N] or int64[], and another for each seed, int64[N, 2].

    The op itself, because TensorFlow 2.21's `tf.random.experimental.index_shuffle` cannot pad a matrix of seeds.
    """
    return tf.raw_ops.RandomIndexShuffle(index=places, seed=tf.pad(seeds, [[0, 0], [0, 1]]), max_index=last)
