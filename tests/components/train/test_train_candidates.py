from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.tasks.match import key
from components.train import candidates as module
from components.train.candidates import Candidates
from components.train.rows import read_batches
from tests.components.corpus import pairs, write_records

type Row = tuple[str, str, str, str]
type Write = Callable[..., list[str]]


@pytest.fixture
def candidates(rows: list[Row], write_examples: Write, tmp_path: Path) -> Candidates:
    """Of the corpus in two files, seven rows and three."""
    return Candidates([*write_examples(tmp_path / "one", rows[:7]), *write_examples(tmp_path / "two", rows[7:])])


def collected(candidates: Candidates, size: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for places, answers in candidates.batches(size):
        assert not set(places.tolist()) & set(found)
        found |= dict(zip(places.tolist(), answers.tolist(), strict=True))
    return found


def test_every_answer_is_there_once_by_its_smallest_id(candidates: Candidates, rows: list[Row]) -> None:
    assert candidates.ids == [b"01", b"02", b"03", b"05", b"06", b"08", b"09", b"10", b"11"]
    by_id = {row[0].encode(): row[2].encode() for row in rows}
    assert len(candidates) == 9
    assert candidates.values(range(9)) == [by_id[row_id] for row_id in candidates.ids]
    np.testing.assert_array_equal(candidates.keys, key(tf.constant(candidates.values(range(9)))))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_batches_tell_each_candidate_once_with_its_content(candidates: Candidates, size: int) -> None:
    found = collected(candidates, size)
    assert [found[place] for place in range(9)] == candidates.values(range(9))


def test_values_come_in_the_order_that_is_asked_for(candidates: Candidates) -> None:
    values = candidates.values(range(9))
    assert candidates.values([7, 2, 4]) == [values[7], values[2], values[4]]
    assert candidates.values([]) == []


def test_content_is_read_anew_and_not_kept(candidates: Candidates, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = candidates.values([0])[0]
    read: list[int] = []

    def counted(*arguments: object) -> object:
        for batch in read_batches(*arguments):  # type: ignore[arg-type]
            read.append(len(batch[0]))
            yield batch

    monkeypatch.setattr(module, "read_batches", counted)
    assert candidates.values([0]) == [answer]
    assert sum(read) == 10


@pytest.mark.parametrize("same_ids", [False, True])
def test_the_order_of_the_rows_does_not_matter(
    rows: list[Row], write_examples: Write, tmp_path: Path, same_ids: bool
) -> None:
    corpus = [("1" if same_ids else row[0], *row[1:]) for row in rows]
    forwards = Candidates(write_examples(tmp_path / "forwards", corpus))
    backwards = Candidates(write_examples(tmp_path / "backwards", reversed(corpus)))
    assert forwards.ids == backwards.ids
    np.testing.assert_array_equal(forwards.keys, backwards.keys)
    assert forwards.values(range(9)) == backwards.values(range(9))


def test_questions_with_several_answers_are_known(write_examples: Write, tmp_path: Path) -> None:
    rows = [("1", "one", "1", ""), ("2", "one", "eins", ""), ("3", "two", "2", ""), ("4", "two", "2", "")]
    right = Candidates(write_examples(tmp_path / "records", rows)).right
    asked, answers = key(tf.constant(["two", "one"])), key(tf.constant(["eins", "2", "1"]))
    assert right.matrix(asked, answers).numpy().tolist() == [[False] * 3, [True, False, True]]


def test_pictures_are_candidates_as_texts_are(tmp_path: Path) -> None:
    rows = pairs("image")
    records = [{"id": row_id, "question": question, "answer": answer} for row_id, question, answer in rows]
    candidates = Candidates(write_records(tmp_path / "records", records))
    assert len(candidates) == 9  # the first two rows have the same answer
    assert candidates.ids == sorted({row[0] for row in rows} - {max(rows[0][0], rows[1][0])})
    by_id = {row_id: answer for row_id, _, answer in rows}
    assert candidates.values(range(9)) == [by_id[row_id] for row_id in candidates.ids]
