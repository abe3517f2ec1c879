"""The plain method of each task and modality, on rows as the ingest step writes them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import Artifact, artifact_utils, standard_artifacts

from components.evaluate import reference as module
from components.evaluate.plain_classifiers import naive_bayes_reference, pixel_reference
from components.evaluate.reference import reference
from components.evaluate.tfidf import tfidf_ranks
from components.evaluate.verdict import Reference
from components.parts import Modality
from components.pictures.decode import decode_pictures
from components.train.export import export
from tests.components.corpus import Labelled, Row, Value, label_records, labelled, write_records

SPLITS = ("train", "validation", "test")


def model(folder: Path, signatures: Mapping[str, Modality]) -> str:
    """A SavedModel that reads what it says, and answers nothing of interest."""

    def answer(raw: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"length": tf.strings.length(raw)}

    made = {name: (modality, answer) for name, modality in signatures.items()}
    export([tf.Module()], made, next(iter(made)), answer, str(folder / "model"))
    return str(folder / "model")


def examples(folder: Path, splits: Sequence[Sequence[Mapping[str, Value]]]) -> Artifact:
    artifact = standard_artifacts.Examples()
    artifact.uri = str(folder / "examples")
    artifact.split_names = artifact_utils.encode_split_names(list(SPLITS))
    for name, records in zip(SPLITS, splits, strict=True):
        write_records(folder / "examples" / f"Split-{name}", records)
    return artifact


def test_texts_to_texts_are_ranked_by_tf_idf_among_the_answers_of_every_split(tmp_path: Path, rows: list[Row]) -> None:
    """A question with two answers, in two splits: the other one does not count as wrong."""
    both = [*rows, ("20", rows[7][1], "बाड़ के लिए अनुमति चाहिए", "fences")]
    splits = [both[:4], [*both[4:6], both[10]], both[6:10]]
    artifact = examples(
        tmp_path,
        [[{"question": row[1], "answer": row[2], "id": row[0]} for row in split] for split in splits],
    )
    made = model(tmp_path, {"question": "text", "answer": "text", "search": "text"})
    questions, answers = [row[1] for row in splits[2]], [row[2] for row in splits[2]]
    candidates = sorted({row[2] for row in both})
    right = {rows[7][1]: [rows[7][2], both[10][2]]}
    ranks = tfidf_ranks(questions, answers, candidates, right)
    assert ranks.tolist() != tfidf_ranks(questions, answers, candidates).tolist()
    found = reference(made, artifact)
    assert found is not None
    assert found.name == "TF-IDF"
    assert found.metrics == pytest.approx(
        {f"recall@{k}": np.mean(ranks <= k) for k in (1, 5, 10)} | {"mrr": np.mean(1 / ranks)}
    )


def split(rows: Sequence[Labelled], modality: Modality) -> list[list[dict[str, Value]]]:
    records = label_records(rows, modality)
    return [records[:20], records[20:24], records[24:]]


def test_labelled_texts_have_naive_bayes(tmp_path: Path) -> None:
    rows = [row._replace(label="dot") if number % 5 == 0 else row for number, row in enumerate(labelled("text", 40))]
    train, test = rows[:20], rows[24:]
    expected = naive_bayes_reference(
        [row.raw for row in train],
        [row.label for row in train],
        [row.raw for row in test],
        [row.label for row in test],
    )
    assert expected["accuracy"] < 1
    found = reference(model(tmp_path, {"classify": "text"}), examples(tmp_path, split(rows, "text")))
    assert found == Reference(name="TF-IDF + naive Bayes", metrics=expected)


def test_labelled_pictures_have_their_neighbours_by_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH", 7)
    rows = [row._replace(label="dot") if number % 5 == 0 else row for number, row in enumerate(labelled("image", 40))]
    train, test = rows[:20], rows[24:]
    pixels = [decode_pictures(tf.constant([row.raw for row in part]), 32, 32, 3).numpy() for part in (train, test)]
    expected = pixel_reference(pixels[0], [row.label for row in train], pixels[1], [row.label for row in test])
    assert 0.5 < expected["accuracy"] < 1
    found = reference(model(tmp_path, {"classify": "image"}), examples(tmp_path, split(rows, "image")))
    assert found == Reference(name="5-NN on pixels", metrics=expected)


def test_of_too_many_pictures_a_sample_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = examples(tmp_path, split(labelled("image", 40), "image"))
    monkeypatch.setattr(module, "_BATCH", 7)
    pictures, labels = module._pictures(artifact, "train", 9)
    assert len(pictures) == len(labels) == 9
    every, names = module._pictures(artifact, "train", 20)
    places = [next(row for row in range(20) if np.array_equal(every[row], one)) for one in pictures]
    assert places == sorted(places)
    assert [names[place] for place in places] == labels


@pytest.mark.parametrize(
    "signatures",
    [
        {"question": "image", "answer": "text"},
        {"question": "text", "answer": "image"},
        {"question": "image", "answer": "image"},
    ],
)
def test_what_no_plain_method_does_has_no_reference(tmp_path: Path, signatures: dict[str, Modality]) -> None:
    assert reference(model(tmp_path, signatures), standard_artifacts.Examples()) is None
