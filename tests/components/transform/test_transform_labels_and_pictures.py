"""The Transform step, run for real, on labelled pictures and on pictures with partners."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
import tensorflow_transform as tft

from components.parts import Kind
from components.transform.settings import TransformSettings
from components.transform.vocabulary import LABELS, NAME, read_vocabulary

type Record = dict[str, Any]
type Transform = Callable[..., Path]

CLASSES = ["två ord", "å, b", "2", "Å, b", "två ord", "2", "två ord", "2", "två ord", "å, b"]
"""Of the training split: `två ord` four times, `2` three times, `å, b` twice, `Å, b` once."""

UNSEEN = ["å, b", "nowhere seen", "två", "2"]


def raw(number: int) -> bytes:
    """No picture, because the Transform step must not look into one; nor UTF-8."""
    return b"\x89PNG\r\n\0\xff " + bytes([number]) * number


def labelled(labels: list[str], start: int) -> list[dict[str, str | bytes]]:
    return [
        {"id": str(number), "image": raw(number), "label": label, "category": "", "group": f"g{number}"}
        for number, label in enumerate(labels, start)
    ]


def records(folder: Path, split: str) -> list[Record]:
    """What the step wrote, parsed as it says that it can be."""
    spec = tft.TFTransformOutput(str(folder / "graph")).transformed_feature_spec()
    files = [str(file) for file in (folder / f"examples/Split-{split}").iterdir()]
    rows = [tf.io.parse_single_example(row, spec) for row in tf.data.TFRecordDataset(files, "GZIP")]
    return sorted(rows, key=lambda row: int(row["id"]))


@pytest.fixture(scope="module")
def classified(transform: Transform) -> Path:
    parts: dict[str, Kind] = {"image": "image", "label": "label"}
    return transform(TransformSettings(), parts, labelled(CLASSES, 1), labelled(UNSEEN, 11))


@pytest.fixture(scope="module")
def paired(transform: Transform) -> Path:
    parts: dict[str, Kind] = {"question": "text", "answer": "image"}
    rows = [
        {"id": str(number), "question": text, "answer": raw(number), "category": "", "group": ""}
        for number, text in enumerate(["a cat", "a dog", "a bird and a cat", "fish"], 1)
    ]
    return transform(TransformSettings(), parts, rows[:3], rows[3:])


def test_labels_get_ids_by_frequency_in_the_training_split(classified: Path) -> None:
    file = tft.TFTransformOutput(str(classified / "graph")).vocabulary_file_by_name(LABELS)
    assert [label.decode() for label in read_vocabulary(file)] == ["två ord", "2", "å, b", "Å, b"]
    expected = {"två ord": 0, "2": 1, "å, b": 2, "Å, b": 3}
    assert [int(row["label_id"]) for row in records(classified, "train")] == [expected[label] for label in CLASSES]


def test_a_label_that_was_not_seen_in_training_is_minus_one(classified: Path) -> None:
    assert [int(row["label_id"]) for row in records(classified, "test")] == [2, -1, -1, 1]


@pytest.mark.parametrize(("split", "start", "labels"), [("train", 1, CLASSES), ("test", 11, UNSEEN)])
def test_pictures_labels_and_ids_pass_through(classified: Path, split: str, start: int, labels: list[str]) -> None:
    for number, (row, label) in enumerate(zip(records(classified, split), labels, strict=True), start):
        assert row["id"].numpy() == str(number).encode()
        assert row["image"].numpy() == raw(number)
        assert row["label"].numpy().decode() == label


def test_a_picture_comes_without_a_shape_and_leaves_with_one(classified: Path) -> None:
    output = tft.TFTransformOutput(str(classified / "graph"))
    assert output.raw_feature_spec()["image"] == tf.io.VarLenFeature(tf.string)
    assert output.transformed_feature_spec() == {
        "id": tf.io.FixedLenFeature([], tf.string),
        "image": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([], tf.string),
        "label_id": tf.io.FixedLenFeature([], tf.int64),
    }


def test_without_texts_there_is_no_vocabulary_of_tokens(classified: Path) -> None:
    output = tft.TFTransformOutput(str(classified / "graph"))
    assert output.vocabulary_file_by_name(LABELS) is not None
    assert output.vocabulary_file_by_name(NAME) is None


def test_of_a_text_and_a_picture_only_the_text_has_tokens(paired: Path) -> None:
    output = tft.TFTransformOutput(str(paired / "graph"))
    tokens = [token.decode() for token in read_vocabulary(output.vocabulary_file_by_name(NAME))]
    assert tokens[:2] == ["a", "cat"]
    assert sorted(tokens) == ["a", "and", "bird", "cat", "dog"]
    assert output.vocabulary_file_by_name(LABELS) is None
    ids = {token: number for number, token in enumerate(tokens, 2)}
    *rows, unseen = records(paired, "train") + records(paired, "test")
    assert [tf.sparse.to_dense(row["question_ids"]).numpy().tolist() for row in rows] == [
        [ids[token] for token in text.split()] for text in ("a cat", "a dog", "a bird and a cat")
    ]
    assert unseen["question_ids"].values.numpy().tolist() == [1]
    assert [row["answer"].numpy() for row in (*rows, unseen)] == [raw(number) for number in range(1, 5)]
    assert set(unseen) == {"id", "question", "question_ids", "answer"}
