"""A toy corpus: pairs in several scripts, labelled texts and pictures, and the records that steps make of them."""

import io
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image

from components.parts import Modality
from components.transform.tokens import tokenize
from components.transform.vocabulary import Vocabulary

type Row = tuple[str, str, str, str]
"""id, question, answer, category."""

type Value = str | bytes | int | Sequence[int]

ROWS: list[Row] = [
    ("07", "Do I need a permit for a fence?", "A fence above 110 cm needs a building permit.", "fences"),
    ("02", "How high may my fence be?", "A fence above 110 cm needs a building permit.", "fences"),
    ("03", "Behöver jag bygglov för altan?", "En altan högre än 1,8 meter kräver bygglov.", "decks"),
    ("11", "Får jag bygga en friggebod?", "En friggebod på högst 15 kvadratmeter kräver inget lov.", "sheds"),
    ("05", "怎么申请许可证？", "许可证在网上申请。", "how"),
    ("06", "ベランダに屋根をつけたい", "屋根には許可が必要です。", "decks"),
    ("01", "울타리 허가가 필요한가요?", "울타리는 허가가 필요합니다.", "fences"),
    ("08", "बाड़ के लिए अनुमति चाहिए?", "ऊँची बाड़ के लिए अनुमति चाहिए।", "fences"),
    (
        "09",
        "May I paint my house red, or is a permit needed for that as well, and how long will it take?",
        "Yes.",
        "how",
    ),
    ("10", "👍", "Colours are free outside the old town, where paint counts as a change of the house.", "how"),
]


class Labelled(NamedTuple):
    """A raw text or picture with its label."""

    id: str
    raw: bytes
    label: str


LABELS = {"wall": 5, "floor": 3, "dot": 2}
"""Shares of the labels; by frequency, as the Transform step orders them, and not by the alphabet."""

_WORDS = {"wall": "brick plaster", "floor": "parquet tiles", "dot": "point spot"}


def picture(label: str, seed: int, *, height: int = 8, width: int = 8) -> bytes:
    """A PNG: a red column on the left, a green row at the bottom or a blue square at the top right, in faint noise."""
    pixels = np.random.default_rng(seed).integers(0, 80, (height, width, 3), np.uint8)
    if label == "wall":
        pixels[:, 1 : 1 + width // 4, 0] = 250
    elif label == "floor":
        pixels[height - height // 4 :, :, 1] = 250
    else:
        pixels[1 : height // 2, width // 2 : -1, 2] = 250
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def labelled(modality: Modality, rows: int, seed: int = 1) -> list[Labelled]:
    """Rows in random order with labels in the proportion of LABELS, no two the same."""
    draw = random.Random(seed)
    names = [label for label, share in LABELS.items() for _ in range(share)]
    labels = draw.sample([names[row % len(names)] for row in range(rows)], rows)
    made = []
    for row, label in enumerate(labels):
        text = f"{draw.choice(_WORDS[label].split())} number {row} of {draw.choice('abc')}"
        raw = text.encode() if modality == "text" else picture(label, seed * 10_000 + row)
        made.append(Labelled(f"{modality}-{row:03}", raw, label))
    return made


def pairs(modality: Modality) -> list[tuple[bytes, bytes, bytes]]:
    """Ten rows of id, question and answer; two of them have the same answer."""
    if modality == "text":
        return [(row_id.encode(), question.encode(), answer.encode()) for row_id, question, answer, _ in ROWS]
    kinds = ["wall", "floor", "dot"]
    answers = [1, *range(1, 10)]
    return [
        (f"{row * 7 % 10:02}".encode(), picture(kinds[row % 3], row), picture(kinds[answer % 3], 50 + answer))
        for row, answer in enumerate(answers)
    ]


def write_records(folder: Path, records: Iterable[Mapping[str, Value]]) -> list[str]:
    """Writes records as the steps do; returns the pattern of the files."""
    folder.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "data-00000-of-00001.gz"), "GZIP") as writer:
        for record in records:
            example = tf.train.Example()
            for name, value in record.items():
                feature = example.features.feature[name]
                if isinstance(value, str | bytes):
                    feature.bytes_list.value.append(value.encode() if isinstance(value, str) else value)
                else:
                    feature.int64_list.value.extend([value] if isinstance(value, int) else value)
            writer.write(example.SerializeToString())
    return [f"{folder}/*"]


def pair_records(rows: Iterable[Row], tokens: Path) -> list[dict[str, Value]]:
    """What the ingest step makes of text pairs, with token ids as the Transform step adds them."""
    vocabulary = Vocabulary(str(tokens))

    def ids(text: str) -> list[int]:
        return vocabulary.lookup(tokenize([text])).flat_values.numpy().tolist()

    return [
        {
            "id": row_id,
            "question": question,
            "answer": answer,
            "category": category,
            "question_ids": ids(question),
            "answer_ids": ids(answer),
        }
        for row_id, question, answer, category in rows
    ]


def label_records(rows: Iterable[Labelled], modality: Modality) -> list[dict[str, Value]]:
    """What the ingest step makes of labelled rows, with label ids as the Transform step adds them."""
    ids = {label: number for number, label in enumerate(LABELS)}
    return [
        {"id": row.id, modality: row.raw, "label": row.label, "category": "", "label_id": ids.get(row.label, -1)}
        for row in rows
    ]


def write_labels(file: Path) -> str:
    """The vocabulary of the labels as the Transform step writes it."""
    file.write_text("".join(f"{label}\n" for label in LABELS), encoding="utf-8")
    return str(file)
