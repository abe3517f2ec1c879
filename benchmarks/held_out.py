"""Pairs with questions held out, the same for all models: in memory and as the Transform step leaves them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.pair_sets import Pair
from components.train.files import Files

TEST, VALIDATION = 5, 10
"""One of so many questions is held out."""
MOST_TEST, MOST_VALIDATION = 500, 250

VOCABULARY = 10_000
"""Tokens that the encoders with a vocabulary know; it is what the original had."""

_SIDES = ("question", "answer")


@dataclass(frozen=True)
class Questions:
    """Which questions are for what; none is in two of the three, with all its answers."""

    train: Sequence[str]
    validation: Sequence[str]
    test: Sequence[str]


@dataclass(frozen=True)
class HeldOut:
    """A data set with some of its questions held out.

    Attributes:
        pairs: all; a row's id in `files` is its place here.
        library: every answer once, C of them, those of held-out questions too.
        questions: the held-out ones, N of them.
        right: bool[N, C], which answers are right for which question.
        files: the records of all splits.
    """

    pairs: Sequence[Pair]
    library: Sequence[str]
    questions: Sequence[str]
    right: np.ndarray
    files: Files


def split_questions(pairs: Sequence[Pair], split: int) -> Questions:
    """Shuffle the questions, another way for every number of a split, and hold some out."""
    questions = list(dict.fromkeys(pair.question for pair in pairs))
    random.Random(split).shuffle(questions)
    test = min(max(len(questions) // TEST, 1), MOST_TEST)
    validation = min(max(len(questions) // VALIDATION, 1), MOST_VALIDATION)
    return Questions(
        test=questions[:test],
        validation=questions[test : test + validation],
        train=questions[test + validation :],
    )


def hold_out(pairs: Sequence[Pair], split: int, folder: Path) -> HeldOut:
    """Write the records of a split to a folder."""
    questions = split_questions(pairs, split)
    library = list(dict.fromkeys(pair.answer for pair in pairs))
    column = {answer: place for place, answer in enumerate(library)}
    row = {question: place for place, question in enumerate(questions.test)}
    right = np.zeros((len(row), len(library)), bool)
    for question, answer in pairs:
        if question in row:
            right[row[question], column[answer]] = True
    return HeldOut(pairs, library, questions.test, right, _write(pairs, questions, folder))


def _write(pairs: Sequence[Pair], questions: Questions, folder: Path) -> Files:
    import tensorflow as tf

    from benchmarks.labelled import most_frequent, write_lines
    from components.ingest.examples import ExampleMaker
    from components.ingest.parse import Record
    from components.train.data import ids_feature
    from components.transform.tokens import tokenize
    from components.transform.vocabulary import Vocabulary

    names = ("train", "validation", "test")
    split = {question: name for name in names for question in getattr(questions, name)}
    learnt = [text for pair in pairs if split[pair.question] == "train" for text in pair]
    vocabulary = write_lines(folder / "tokens", most_frequent(learnt, VOCABULARY))
    lookup = Vocabulary(vocabulary).lookup
    ids = {side: lookup(tokenize(tf.constant([getattr(pair, side) for pair in pairs]))).to_list() for side in _SIDES}
    maker = ExampleMaker(_SIDES)
    writers = {name: tf.io.TFRecordWriter(str(folder / f"{name}.gz"), "GZIP") for name in names}
    for number, pair in enumerate(pairs):
        record = Record(number, (pair.question, pair.answer), id=str(number), category="", group=pair.question)
        example = tf.train.Example.FromString(maker.serialise(record))
        for side in _SIDES:
            example.features.feature[ids_feature(side)].int64_list.value.extend(ids[side][number])
        writers[split[pair.question]].write(example.SerializeToString())
    for writer in writers.values():
        writer.close()
    return Files(**{name: [str(folder / f"{name}.gz")] for name in names}, vocabulary=vocabulary, labels="")
