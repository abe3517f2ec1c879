"""Hard negatives: wrong candidates of the whole library that the encoder, as it is, takes for right ones.

They join the candidates of a batch, so that every question of it is compared with them. Sources: Xiong et al. 2021,
"Approximate Nearest Neighbor Negative Contrastive Learning for Dense Text Retrieval"; the guard by the score of the
right answer is that of Moreira et al. 2024, "NV-Retriever", section 3.
"""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from components.encoders.encoding import Encoder
from components.losses.scores import unit_vectors
from components.tasks.match import MatchModel, key
from components.train.candidates import Candidates
from components.train.signal_settings import HardNegativeSettings

_BLOCK = 64  # questions that are compared with the library at once
_NONE = -1


class HardNegatives(keras.callbacks.Callback):
    """Mines before each epoch, and draws from what it found, for every pair of a batch, as many as are wanted.

    A candidate is never taken that is known to be right for the question, that is nearer to the right answer than
    `settings.near`, or that scores above the right answer less `settings.margin`: it may be right as well. Where none
    is left, a random candidate is drawn. Content and features of the whole library are held in memory.

    Args:
        settings: which candidates are hard, and how many are wanted.
        pairs: raw (question, answer) pairs to learn from.
        candidates: the whole library, with every answer of the pairs.
        seed: of the draws.
    """

    def __init__(
        self, settings: HardNegativeSettings, pairs: Sequence[tuple[bytes, ...]], candidates: Candidates, seed: int
    ) -> None:
        super().__init__()
        self._settings = settings
        self._seed = seed
        unique = sorted(set(pairs))
        self._questions, answers = zip(*unique, strict=True)
        self._library = candidates.contents()
        self._candidates = candidates
        self._question_keys = key(tf.constant(self._questions))
        order = np.argsort(candidates.keys)
        answer_keys = key(tf.constant(answers)).numpy()
        self._right = order[np.searchsorted(candidates.keys, answer_keys, sorter=order)]
        fingerprints = _fingerprint(tf.constant(self._questions), tf.constant(answers)).numpy()
        self._row_of = np.argsort(fingerprints)
        self._fingerprints = tf.constant(fingerprints[self._row_of])
        depth = settings.ranks[1] - settings.ranks[0] + 1
        self.places = tf.Variable(tf.fill([len(unique), depth], _NONE), trainable=False)
        """int32[pairs, ranks], in the order of the fingerprints: candidates, hardest first, then `_NONE`."""

    def set_model(self, model: MatchModel) -> None:
        """Prepare to encode with the model that is trained; what needs no weights is computed once."""
        super().set_model(model)
        self._encoders = Encoder(model.question), Encoder(model.answer)
        self._features = [
            encoder.featurize(raw)
            for encoder, raw in zip(self._encoders, (self._questions, self._library.numpy()), strict=True)
        ]

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Mine."""
        del epoch, logs
        questions, library = (
            unit_vectors(encoder.encode(features))
            for encoder, features in zip(self._encoders, self._features, strict=True)
        )
        found = np.full(self.places.shape, _NONE, np.int32)
        for start in range(0, len(self._questions), _BLOCK):
            rows = slice(start, start + _BLOCK)
            known = self._candidates.right.matrix(self._question_keys[rows], tf.constant(self._candidates.keys))
            hard = hardest(self._settings, questions[rows], library, tf.constant(self._right[rows]), known).numpy()
            found[rows, : hard.shape[1]] = hard
        self.places.assign(found[self._row_of])

    def draw(self, pairs: dict[str, tf.Tensor], step: tf.Tensor) -> tf.Tensor:
        """Raw candidates, string[B * each], for pairs to learn from, string[B] by side, of a step, int64[]."""
        wanted = _fingerprint(pairs["question"], pairs["answer"])
        hard = tf.gather(self.places, tf.searchsorted(self._fingerprints, wanted))
        count = tf.reduce_sum(tf.cast(hard != _NONE, tf.int32), axis=1, keepdims=True)
        shape = tf.stack([tf.size(wanted), self._settings.each])
        draws = tf.random.stateless_uniform(shape, tf.stack([self._seed, step]))
        drawn = tf.gather(hard, _index(draws, tf.maximum(count, 1)), batch_dims=1)
        place = tf.where(count > 0, drawn, _index(draws, tf.fill(shape, len(self._candidates))))
        return tf.gather(self._library, tf.reshape(place, [-1]))


def hardest(
    settings: HardNegativeSettings, questions: tf.Tensor, library: tf.Tensor, right: tf.Tensor, known: tf.Tensor
) -> tf.Tensor:
    """The places of hard negatives, int32[N, at most as many as there are ranks], hardest first, -1 behind the last.

    Args:
        settings: which candidates are hard.
        questions: float32[N, D], unit vectors.
        library: float32[C, D], unit vectors.
        right: int[N], places of the right answers.
        known: bool[N, C], what else is known to be right.
    """
    scores = tf.matmul(questions, library, transpose_b=True)
    right_score = tf.gather(scores, right, batch_dims=1)[:, tf.newaxis]
    to_right = tf.matmul(tf.gather(library, right), library, transpose_b=True)
    own = tf.one_hot(right, tf.shape(library)[0], on_value=True, off_value=False, dtype=tf.bool)
    refused = own | known | (to_right > settings.near) | (scores > right_score - settings.margin)
    first, last = settings.ranks
    best = tf.math.top_k(tf.where(refused, -np.inf, scores), tf.minimum(last, tf.shape(library)[0]))
    return tf.where(tf.math.is_finite(best.values), best.indices, _NONE)[:, first - 1 :]


def _fingerprint(questions: tf.Tensor, answers: tf.Tensor) -> tf.Tensor:
    return key(tf.strings.join([questions, answers], separator="\x1f"))


def _index(draws: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Uniform draws from 0 to 1 as whole numbers below `count`, int32."""
    return tf.minimum(tf.cast(draws * tf.cast(count, tf.float32), tf.int32), count - 1)
