"""Passages of real texts, a million if wanted, and the vectors that encoders make of them.

20 newsgroups and BBC news (see `benchmarks.datasets`) have some four million words. A passage is a run of 6 to 20 words
that starts anywhere in a text, so passages overlap as the entries of a large catalogue do. A question is a passage with
half of its words left out: of the texts that the library is drawn from or, harder, of texts that it never saw.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from benchmarks import datasets
from components.encoders.settings import EncoderSettings
from components.encoders.tower import Tower
from components.losses.scores import unit_vectors
from components.losses.settings import RankingSettings
from components.tasks.match import MatchModel
from components.train.encoding import Encoder

SHORTEST, LONGEST = 6, 20
_KEPT = 0.5
_PAIRS = 20_000
_BATCH = 256


class Passages(NamedTuple):
    """What is searched and what is asked."""

    library: list[str]
    questions: list[str]
    """Of texts that the library is drawn from."""
    strangers: list[str]
    """Of texts that it is not drawn from."""


def passages(size: int, questions: int, seed: int = 0) -> Passages:
    """A library of `size` different passages, and so many questions of each kind."""
    draw = random.Random(seed)
    known, unknown = ([text.split() for text in texts] for texts in _texts())
    library = dict.fromkeys(_passage(known, draw) for _ in range(size))
    while len(library) < size:
        library[_passage(known, draw)] = None
    return Passages(
        list(library),
        [thinned(_passage(known, draw), draw) for _ in range(questions)],
        [thinned(_passage(unknown, draw), draw) for _ in range(questions)],
    )


def thinned(passage: str, draw: random.Random) -> str:
    """A passage with about half of its words, at least one."""
    words = passage.split()
    return " ".join([word for word in words if draw.random() < _KEPT] or words[:1])


def _texts() -> tuple[list[str], list[str]]:
    """Texts of the training splits and of the test splits, long enough for any passage."""
    sets = [datasets.load(name) for name in ("20newsgroups", "bbc")]
    return tuple(  # type: ignore[return-value]
        [text for data in sets for text in getattr(data, split).inputs if len(text.split()) >= LONGEST]
        for split in ("train", "test")
    )


def _passage(texts: Sequence[Sequence[str]], draw: random.Random) -> str:
    words = draw.choice(texts)
    length = draw.randint(SHORTEST, LONGEST)
    start = draw.randint(0, max(len(words) - length, 0))
    return " ".join(words[start : start + length])


def trained_towers(settings: EncoderSettings, library: Sequence[str], epochs: int, seed: int = 0) -> dict[str, Tower]:
    """Towers that have learnt to find passages from half of their words; with no epochs, as they start."""
    keras.utils.set_random_seed(seed)
    draw = random.Random(seed)
    towers = settings.build(["question", "answer"], "")
    towers["answer"].adapt(tf.constant(library[at : at + 4096]) for at in range(0, len(library), 4096))
    answers = draw.sample(library, min(_PAIRS, len(library)))
    questions = [thinned(answer, draw) for answer in answers]
    pairs = tf.data.Dataset.from_tensor_slices((questions, answers)).shuffle(_PAIRS, seed=seed)

    def features(question: tf.Tensor, answer: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        raw = {"question": question, "answer": answer}
        return {side: towers[side].featurize(raw[side]) for side in raw}, tf.eye(_BATCH, dtype=tf.bool)

    model = MatchModel(towers)
    loss = RankingSettings(type="multiple_negatives_ranking").build()
    model.compile(keras.optimizers.Adam(settings.learning_rate), loss=loss)
    if epochs:
        model.fit(pairs.batch(_BATCH, drop_remainder=True).map(features), epochs=epochs, verbose=2)
    return towers


def encode(tower: Tower, texts: Sequence[str]) -> np.ndarray:
    """Unit vectors, float32[N, D], held once."""
    encoder = Encoder(tower)
    vectors = np.zeros((len(texts), tower.dimensions), np.float32)
    for at in range(0, len(texts), 512):
        vectors[at : at + 512] = unit_vectors(encoder(texts[at : at + 512]))
    return vectors
