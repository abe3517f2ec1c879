"""Batches of both tasks, on both ways there: from memory, and streamed."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import BagSettings, CnnSettings, EncoderSettings, LstmSettings
from components.train import data as module
from components.train.data import training_batches
from tests.components.corpus import LABELS, label_records, labelled, write_records

type Row = tuple[str, str, str, str]
type WriteExamples = Callable[[Path, Iterable[Row]], list[str]]
type Target = tuple[dict[str, Any], Callable[[dict[str, Any]], tf.Tensor]]

LSTM = LstmSettings(embedding=2, units=3, max_tokens=30)
ID: Target = ({"id": tf.io.FixedLenFeature([], tf.string)}, lambda examples: examples["id"])


@pytest.fixture
def files(rows: list[Row], write_examples: WriteExamples, tmp_path: Path) -> list[str]:
    """The text pairs in two files, seven rows and three."""
    return [*write_examples(tmp_path / "one", rows[:7]), *write_examples(tmp_path / "two", rows[7:])]


@pytest.fixture
def batches(files: list[str], vocabulary_file: Path) -> Callable[..., tf.data.Dataset]:
    """Of texts, which have no features of a fixed size and are streamed; the target is the id."""

    def make(batch_size: int, seed: int = 3, encoder: EncoderSettings = LSTM, passes: int = 1) -> tf.data.Dataset:
        towers = encoder.build(["question", "answer"], str(vocabulary_file))
        endless, steps = training_batches(files, towers, ID, batch_size, seed)
        return endless.take(passes * steps)

    return make


@pytest.fixture
def picture_files(tmp_path: Path) -> list[str]:
    """23 labelled pictures in two files."""
    records = label_records(labelled("image", 23), "image")
    return [*write_records(tmp_path / "p1", records[:9]), *write_records(tmp_path / "p2", records[9:])]


@pytest.fixture(params=["in memory", "streamed"])
def pictures(
    request: pytest.FixtureRequest, picture_files: list[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tf.data.Dataset]:
    """Of pictures, from memory or streamed; the target is id and label."""
    if request.param == "streamed":
        monkeypatch.setattr(module, "MAX_MEMORY", 23 * 8 * 8 * 3 - 1)
    monkeypatch.setattr(module, "LOAD_BATCH", 4)
    tower = CnnSettings(size=(8, 8), filters=(2,)).build(["image"], "")["image"]
    label = {"label_id": tf.io.FixedLenFeature([], tf.int64), "id": tf.io.FixedLenFeature([], tf.string)}

    def make(batch_size: int, seed: int = 3, passes: int = 1) -> tf.data.Dataset:
        target: Target = (label, lambda examples: (examples["id"], examples["label_id"]))
        endless, steps = training_batches(picture_files, {"image": tower}, target, batch_size, seed)
        return endless.take(passes * steps)

    return make


def order(dataset: tf.data.Dataset) -> list[bytes]:
    """Ids of the rows, batch after batch."""
    targets = [target[0] if isinstance(target, tuple) else target for _, target in dataset]
    return [row_id for target in targets for row_id in target.numpy().tolist()]


@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(4, [4, 4]), (5, [5, 5]), (10, [10]), (11, [10]), (3, [3, 3, 3]), (2, [2] * 5)]
)
def test_batches_are_full_and_less_than_one_is_one(
    batches: Callable[..., tf.data.Dataset], batch_size: int, sizes: list[int]
) -> None:
    found = list(batches(batch_size))
    assert [len(ids) for _, ids in found] == sizes
    assert len(set(order(batches(batch_size)))) == sum(sizes)


@pytest.mark.parametrize(("batch_size", "sizes"), [(7, [7, 7, 7]), (23, [23]), (30, [23])])
def test_so_are_those_of_pictures(pictures: Callable[..., tf.data.Dataset], batch_size: int, sizes: list[int]) -> None:
    found = list(pictures(batch_size))
    assert [features["image"].shape for features, _ in found] == [(size, 8, 8, 3) for size in sizes]
    assert len(set(order(pictures(batch_size)))) == sum(sizes)


def test_each_pass_has_every_row_in_an_order_of_its_own(batches: Callable[..., tf.data.Dataset]) -> None:
    both = order(batches(5, passes=2))
    assert sorted(both[:10]) == sorted(both[10:])
    assert len(set(both)) == 10
    assert both[:10] != both[10:]


def test_so_has_each_pass_over_pictures(pictures: Callable[..., tf.data.Dataset]) -> None:
    both = order(pictures(23, passes=2))
    assert sorted(both[:23]) == sorted(both[23:]) == [f"image-{row:03}".encode() for row in range(23)]
    assert both[:23] != both[23:]
    assert sorted(both) != both


def test_the_order_follows_from_the_seed(batches: Callable[..., tf.data.Dataset]) -> None:
    assert order(batches(5, 3, passes=2)) == order(batches(5, 3, passes=2))
    assert order(batches(5, 3)) != order(batches(5, 4))


def test_so_does_that_of_pictures(pictures: Callable[..., tf.data.Dataset]) -> None:
    assert order(pictures(5, 3, passes=2)) == order(pictures(5, 3, passes=2))
    assert order(pictures(5, 3)) != order(pictures(5, 4))


def test_rows_stay_together_on_both_ways(pictures: Callable[..., tf.data.Dataset]) -> None:
    rows = {row.id.encode(): row for row in labelled("image", 23)}
    tower = CnnSettings(size=(8, 8), filters=(2,)).build(["image"], "")["image"]
    for features, (ids, labels) in pictures(6, passes=2):
        expected = [rows[row_id] for row_id in ids.numpy().tolist()]
        decoded = tower.featurize(tf.constant([row.raw for row in expected]))
        np.testing.assert_array_equal(features["image"], decoded)
        assert labels.numpy().tolist() == [list(LABELS).index(row.label) for row in expected]


def test_what_fits_into_memory_is_decoded_once(picture_files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are gone before the first batch is drawn."""
    tower = CnnSettings(size=(8, 8), filters=(2,)).build(["image"], "")["image"]
    monkeypatch.setattr(module, "MAX_MEMORY", 23 * 8 * 8 * 3)
    kept, steps = training_batches(picture_files, {"image": tower}, ID, 4, 1)
    for pattern in picture_files:
        for file in Path(pattern).parent.iterdir():
            file.unlink()
    assert len(order(kept.take(3 * steps))) == 3 * 20


def test_questions_keep_their_answers(
    batches: Callable[..., tf.data.Dataset], rows: list[Row], vocabulary_file: Path
) -> None:
    towers = LSTM.build(["question", "answer"], str(vocabulary_file))
    by_id = {row[0].encode(): row for row in rows}
    for features, ids in batches(5):
        for at, row_id in enumerate(ids.numpy().tolist()):
            for side, column in (("question", 1), ("answer", 2)):
                expected = towers[side].featurize(tf.constant([by_id[row_id][column]])).numpy()[0]
                assert [*filter(None, features[side].numpy()[at])] == [*filter(None, expected)]


def test_an_encoder_of_raw_text_gets_it(batches: Callable[..., tf.data.Dataset], rows: list[Row]) -> None:
    bag = BagSettings(buckets=1024)
    ((features, ids),) = batches(10, encoder=bag)
    by_id = {row[0].encode(): row for row in rows}
    for side, column in (("question", 1), ("answer", 2)):
        found = tf.sparse.to_dense(tf.sparse.reorder(features[side])).numpy()
        texts = [by_id[row_id][column] for row_id in ids.numpy().tolist()]
        terms = bag.build(["question"], "")["question"].featurize(tf.constant(texts))
        np.testing.assert_array_equal(found, tf.sparse.to_dense(tf.sparse.reorder(terms)).numpy())


def test_ids_that_the_transform_step_wrote_are_those_of_the_raw_text(transformed: Path, rows: list[Row]) -> None:
    names = ["question", "answer"]
    towers = LSTM.build(names, str(transformed / "graph" / "transform_fn" / "assets" / "tokens"))
    endless, steps = training_batches([f"{transformed}/examples/Split-train/*"], towers, ID, 6, 1)
    ((features, _),) = endless.take(steps)
    for side, column in (("question", 1), ("answer", 2)):
        expected = towers["question"].featurize(tf.constant([row[column] for row in rows[:6]])).numpy()
        assert sorted(features[side].numpy().tolist()) == sorted(expected.tolist())
