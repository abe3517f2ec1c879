from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import BagSettings, EncoderSettings, LstmSettings
from components.train.data import count, read_library, read_texts, training_batches

type Row = tuple[str, str, str, str]
type WriteExamples = Callable[[Path, Iterable[Row]], list[str]]

LSTM = LstmSettings(embedding=2, units=3, max_tokens=30)


@pytest.fixture
def files(rows: list[Row], write_examples: WriteExamples, tmp_path: Path) -> list[str]:
    """The corpus in two files, seven rows and three."""
    return [*write_examples(tmp_path / "one", rows[:7]), *write_examples(tmp_path / "two", rows[7:])]


@pytest.fixture
def batches(files: list[str], vocabulary_file: Path) -> Callable[..., tf.data.Dataset]:
    def make(batch_size: int, seed: int = 3, encoder: EncoderSettings = LSTM, passes: int = 1) -> tf.data.Dataset:
        endless, steps = training_batches(files, encoder.build(str(vocabulary_file)), batch_size, seed)
        return endless.take(passes * steps)

    return make


def order(dataset: tf.data.Dataset) -> list[tuple[int, ...]]:
    """The token ids of every question, in the order of one epoch: no two questions of the corpus have the same."""
    rows = [row for features, _ in dataset for row in features["question"].numpy()]
    return [tuple(id_ for id_ in row if id_) for row in rows]


def test_batches_are_full_and_the_short_last_one_is_dropped(batches: Callable[..., tf.data.Dataset]) -> None:
    found = list(batches(4))
    assert [labels.shape for _, labels in found] == [(4, 4), (4, 4)]
    assert len(set(order(batches(4)))) == 8


def test_rows_that_fill_their_batches_are_all_there(batches: Callable[..., tf.data.Dataset]) -> None:
    assert [labels.shape for _, labels in batches(5)] == [(5, 5), (5, 5)]
    assert len(set(order(batches(5)))) == 10
    assert [labels.shape for _, labels in batches(10)] == [(10, 10)]


def test_a_data_set_smaller_than_a_batch_is_one_batch(batches: Callable[..., tf.data.Dataset]) -> None:
    assert [labels.shape for _, labels in batches(11)] == [(10, 10)]


def test_each_pass_has_an_order_of_its_own(batches: Callable[..., tf.data.Dataset]) -> None:
    both = order(batches(5, passes=2))
    first, second = both[:10], both[10:]
    assert len(set(first)) == 10
    assert sorted(first) == sorted(second)
    assert first != second


def test_the_order_follows_from_the_seed(batches: Callable[..., tf.data.Dataset]) -> None:
    assert order(batches(5, 3, passes=2)) == order(batches(5, 3, passes=2))
    assert order(batches(5, 3)) != order(batches(5, 4))


def test_questions_keep_their_answers(
    batches: Callable[..., tf.data.Dataset], rows: list[Row], vocabulary_file: Path
) -> None:
    towers = LSTM.build(str(vocabulary_file))
    pair_of = {ids_of(towers["question"], row[1]): ids_of(towers["answer"], row[2]) for row in rows}
    assert len(pair_of) == 10
    for features, _ in batches(5):
        for question, answer in zip(features["question"].numpy(), features["answer"].numpy(), strict=True):
            assert tuple(filter(None, answer)) == pair_of[tuple(filter(None, question))]


def ids_of(tower: Any, text: str) -> tuple[int, ...]:
    return tuple(filter(None, tower.featurize(tf.constant([text])).numpy()[0]))


def test_copies_of_an_answer_are_right_for_each_other(
    batches: Callable[..., tf.data.Dataset], vocabulary_file: Path
) -> None:
    question = LSTM.build(str(vocabulary_file))["question"]
    fences = {ids_of(question, "Do I need a permit for a fence?"), ids_of(question, "How high may my fence be?")}
    ((features, labels),) = batches(10)
    is_fence = [tuple(filter(None, row)) in fences for row in features["question"].numpy()]
    assert sum(is_fence) == 2
    np.testing.assert_array_equal(labels, np.eye(10, dtype=bool) | np.outer(is_fence, is_fence))


def test_an_encoder_of_raw_text_gets_it(batches: Callable[..., tf.data.Dataset], rows: list[Row]) -> None:
    bag = BagSettings(buckets=1024)
    ((features, _),) = batches(10, encoder=bag)
    for side, column in (("question", 1), ("answer", 2)):
        found = tf.sparse.to_dense(tf.sparse.reorder(features[side])).numpy()
        terms = bag.build("")["question"].featurize(tf.constant([row[column] for row in rows]))
        expected = tf.sparse.to_dense(tf.sparse.reorder(terms)).numpy()
        assert sorted(map(tuple, found)) == sorted(map(tuple, expected))


def test_ids_that_the_transform_step_wrote_are_those_of_the_raw_text(transformed: Path, rows: list[Row]) -> None:
    towers = LSTM.build(str(transformed / "graph" / "transform_fn" / "assets" / "tokens"))
    endless, steps = training_batches([f"{transformed}/examples/Split-train/*"], towers, 6, 1)
    ((features, _),) = endless.take(steps)
    for side, column in (("question", 1), ("answer", 2)):
        expected = towers["question"].featurize(tf.constant([row[column] for row in rows[:6]])).numpy()
        assert sorted(features[side].numpy().tolist()) == sorted(expected.tolist())


def test_texts_are_read_from_every_file(files: list[str], rows: list[Row]) -> None:
    assert list(read_texts(files)) == [row[:3] for row in rows]
    assert list(read_texts(files[1:])) == [row[:3] for row in rows[7:]]


def test_count(files: list[str]) -> None:
    assert count(files) == 10
    assert count(files[1:]) == 3


def test_the_library_has_every_answer_once_by_its_smallest_id(
    rows: list[Row], write_examples: WriteExamples, tmp_path: Path
) -> None:
    forwards = read_library(write_examples(tmp_path / "forwards", rows))
    backwards = read_library(write_examples(tmp_path / "backwards", reversed(rows)))
    assert list(forwards.items()) == list(backwards.items())
    assert forwards["A fence above 110 cm needs a building permit."] == "02"
    assert set(forwards) == {row[2] for row in rows}
    assert list(forwards.values()) == ["01", "02", "03", "05", "06", "08", "09", "10", "11"]


def test_answers_with_one_id_have_an_order_too(rows: list[Row], write_examples: WriteExamples, tmp_path: Path) -> None:
    same_ids = [("1", question, answer, category) for _, question, answer, category in rows]
    forwards = read_library(write_examples(tmp_path / "forwards", same_ids))
    backwards = read_library(write_examples(tmp_path / "backwards", reversed(same_ids)))
    assert list(forwards) == list(backwards) == sorted(forwards)
