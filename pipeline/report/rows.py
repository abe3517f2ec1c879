"""Rows of the ingest step, read back: a sample of a split, and single rows by their ids."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from components.train.rows import READ_BATCH, count, read_batches, records


@dataclass(frozen=True)
class Row:
    """One row as it was ingested."""

    id: bytes
    given: bytes
    """The question, text or picture that the model reads."""
    wanted: bytes
    """The answer or label that belongs to it."""
    category: str
    serialized: bytes
    """The whole tf.Example."""


def sample_rows(folder: Path, parts: Sequence[str], most: int, seed: int) -> tuple[list[Row], int]:
    """At most `most` rows of a split, in its order, and how many it has.

    Args:
        folder: of the split.
        parts: the two features of a row, what is given and what is wanted.
        most: how many rows are enough; of more a seeded sample is drawn.
        seed: of the sample.
    """
    files = [f"{folder}/*"]
    total = count(files)
    chosen = set(random.Random(seed).sample(range(total), min(total, most)))  # noqa: S311
    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in ("id", *parts, "category")}
    rows = []
    for start, batch in enumerate(records(files).batch(READ_BATCH).as_numpy_iterator()):
        taken = [content for place, content in enumerate(batch, start * READ_BATCH) if place in chosen]
        if taken:
            parsed = tf.io.parse_example(tf.constant(taken), spec)
            columns = [parsed[name].numpy().tolist() for name in ("id", *parts, "category")]
            rows += [
                Row(row_id, given, wanted, category.decode(errors="replace"), content)
                for row_id, given, wanted, category, content in zip(*columns, taken, strict=True)
            ]
    return rows, total


def values_by_id(folders: Iterable[Path], part: str, ids: Iterable[bytes]) -> dict[bytes, bytes]:
    """The feature `part` of the first row of each id, of those ids that there are.

    Args:
        folders: of the splits to look in.
        part: name of a feature.
        ids: of the rows.
    """
    missing, found = set(ids), dict[bytes, bytes]()
    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in ("id", part)}
    for folder in folders:
        for batch in records([f"{folder}/*"]).batch(READ_BATCH):
            if not missing:
                return found
            parsed = tf.io.parse_example(batch, spec)
            row_ids = parsed["id"].numpy().tolist()
            for place in [place for place, row_id in enumerate(row_ids) if row_id in missing]:
                found.setdefault(row_ids[place], parsed[part][place].numpy())
            missing -= set(row_ids)
    return found


def answers_to(folders: Iterable[Path], questions: Iterable[bytes]) -> dict[bytes, set[bytes]]:
    """Every right answer of each question, from the pairs of all splits.

    Args:
        folders: of the splits.
        questions: raw texts or pictures.
    """
    answers: dict[bytes, set[bytes]] = {question: set() for question in questions}
    for folder in folders:
        for given, wanted in read_batches([f"{folder}/*"], ("question", "answer")):
            for place, question in enumerate(given.tolist()):
                if question in answers:
                    answers[question].add(wanted[place])
    return answers
