"""Passages of real texts, a million if wanted, and the vectors that encoders make of them.

The training texts of 20 newsgroups and BBC news (see `benchmarks.datasets`) are cut into passages of 16 words. For
each in the library there are COPIES that lack some of its words. A question is a passage that lacks a third of its
words: of those in the library or, harder, of the test texts, which the library does not have.
"""

import random
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Literal, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from benchmarks import datasets
from components.encoders.encoding import Encoder
from components.encoders.settings import EncoderSettings
from components.encoders.tower import Tower
from components.losses.scores import unit_vectors
from components.losses.settings import RankingSettings
from components.tasks.match import MatchModel

WORDS, COPIES = 16, 11
_COPIED, _ASKED = 0.85, 0.67  # shares of the words
_PAIRS = 60_000
_BATCH = 256


class Passages(NamedTuple):
    """What is searched and what is asked."""

    library: list[str]
    questions: list[str]
    """Of texts that are in the library."""
    strangers: list[str]
    """Of texts that are not."""
    pairs: list[tuple[str, str]]
    """A passage that lacks words and the one that follows it in its text, to learn from."""


def passages(size: int, questions: int, seed: int = 0) -> Passages:
    """A library of `size` different passages in random order, and so many questions of each kind."""
    draw = random.Random(seed)
    cut = _cut("train")
    follow = draw.sample(range(len(cut) - 1), min(_PAIRS, len(cut) - 1))
    pairs = [(thinned(cut[place], draw, _ASKED), cut[place + 1]) for place in follow]
    known, unknown = (draw.sample(whole, len(whole)) for whole in (cut, _cut("test")))
    known = known[: size // (1 + COPIES)]
    library = dict.fromkeys(known)
    while len(library) < size:
        library[thinned(draw.choice(known), draw, _COPIED)] = None
    return Passages(
        draw.sample(list(library), size),
        [thinned(passage, draw, _ASKED) for passage in islice(cycle(known), questions)],
        [thinned(passage, draw, _ASKED) for passage in islice(cycle(unknown), questions)],
        pairs,
    )


def thinned(passage: str, draw: random.Random, kept: float) -> str:
    """A passage with about this share of its words, at least one."""
    words = passage.split()
    return " ".join([word for word in words if draw.random() < kept] or words[:1])


def _cut(split: Literal["train", "test"]) -> list[str]:
    texts = [text for name in ("20newsgroups", "bbc") for text in getattr(datasets.load(name), split).inputs]
    runs = (text.split() for text in texts)
    cut = (words[at : at + WORDS] for words in runs for at in range(0, len(words) - WORDS + 1, WORDS))
    return list(dict.fromkeys(" ".join(words) for words in cut))


def trained_towers(settings: EncoderSettings, texts: Passages, epochs: int, seed: int = 0) -> dict[str, Tower]:
    """Towers that have learnt which passages follow each other; with no epochs, as they start."""
    keras.utils.set_random_seed(seed)
    towers = settings.build(["question", "answer"], "")
    some = texts.library[:100_000]
    towers["answer"].adapt(tf.constant(some[at : at + 4096]) for at in range(0, len(some), 4096))
    questions, answers = (list(side) for side in zip(*texts.pairs, strict=True))
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
