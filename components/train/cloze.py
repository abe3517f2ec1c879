"""Inverse cloze pairs: a sentence, or a run of words, of a candidate stands for a question that it answers.

Every candidate can be learnt from so, also those that no training question has. Source: Lee et al. 2019, "Latent
Retrieval for Weakly Supervised Open Domain Question Answering", section 4; there the sentence is mostly taken out of
its text, here it stays in it, as in Gao et al. 2021's and Izacard et al. 2022's crops.
"""

import tensorflow as tf

from components.train.sampler import shuffled
from components.train.signal_settings import ClozeSettings
from components.train.text_dropout import random_runs
from components.train.text_pieces import join, sentences, words

_SHORTEST, _LONGEST = 0.2, 0.6  # of a candidate's words, of a run


def random_sentence(text: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """One sentence of each text, string[N]; of a text of one sentence the text itself."""
    pieces = sentences(text)
    count = pieces.row_lengths()
    draws = tf.random.stateless_uniform(tf.shape(count), seed)
    place = tf.cast(draws * tf.cast(count, tf.float32), tf.int64)
    return join(tf.gather(pieces, tf.ragged.range(place, tf.minimum(place + 1, count)), batch_dims=1))


def random_span(text: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A run of a fifth to three fifths of the words of each text, string[N]; at least one word."""
    pieces = words(text)
    count = pieces.row_lengths()
    length, start = random_runs(count, _SHORTEST, _LONGEST, seed)
    length = tf.minimum(tf.maximum(length, 1), count)
    start = tf.minimum(start, count - length)
    return join(tf.gather(pieces, tf.ragged.range(start, start + length), batch_dims=1))


class ClozePairs:
    """Draws pairs from a library, another of its candidates each time until all were there.

    Args:
        settings: which part of a candidate stands for its question.
        library: string[C], the candidates.
        seed: of the draws.
    """

    def __init__(self, settings: ClozeSettings, library: tf.Tensor, seed: int) -> None:
        self._share = settings.share
        self._part = random_sentence if settings.unit == "sentence" else random_span
        self._library = library
        self._seed = seed

    def rows(self, batch: int) -> int:
        """How many rows of a batch are such pairs; not all of them."""
        return min(round(batch * self._share), batch - 1)

    def draw(self, rows: int, step: tf.Tensor) -> dict[str, tf.Tensor]:
        """Questions and answers, string[rows] each, of a step, int64[], counted from the start of training."""
        size = tf.size(self._library, tf.int64)
        number = step * rows + tf.range(rows, dtype=tf.int64)
        seeds = tf.stack([tf.fill([rows], tf.constant(self._seed, tf.int64)), number // size], axis=1)
        place = shuffled(number % size, seeds, size - 1)
        answers = tf.gather(self._library, place)
        return {"question": self._part(answers, tf.stack([self._seed, step])), "answer": answers}
