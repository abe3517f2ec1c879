"""Mining against a naive loop, and what is drawn of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import BagSettings
from components.tasks.match import MatchModel
from components.train.candidates import Candidates
from components.train.hard_negatives import HardNegatives, hardest
from components.train.signal_settings import HardNegativeSettings
from tests.components.corpus import Row, pair_records, write_records


def naive(settings: HardNegativeSettings, questions: Any, library: Any, right: Any, known: Any) -> list[list[int]]:
    rows = []
    for question, own, also_right in zip(questions, right, known, strict=True):
        scores = library @ question
        wrong = [
            place
            for place in range(len(library))
            if place != own
            and not also_right[place]
            and library[place] @ library[own] <= settings.near
            and scores[place] <= scores[own] - settings.margin
        ]
        wrong.sort(key=lambda place: -scores[place])
        first, last = settings.ranks
        rows.append(wrong[first - 1 : last])
    return rows


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"ranks": (3, 7)},
        {"margin": 0.3},
        {"margin": -2.0},
        {"near": 0.5},
        {"ranks": (2, 90), "margin": -0.2, "near": 0.8},
    ],
)
def test_the_hardest_are_those_of_a_naive_search(changes: dict[str, Any]) -> None:
    settings = HardNegativeSettings.model_validate(changes)
    random = np.random.default_rng(11)
    questions, library = random.normal(size=(6, 4)), random.normal(size=(40, 4))
    library[5] = library[3] + 0.01
    questions, library = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (questions, library))
    right, known = np.array([3, 0, 39, 3, 7, 8]), random.random((6, 40)) < 0.1
    vectors, candidates = (tf.constant(values, tf.float32) for values in (questions, library))
    found = hardest(settings, vectors, candidates, tf.constant(right), tf.constant(known)).numpy()
    expected = naive(settings, questions, library, right, known)
    assert [[place for place in row if place >= 0] for row in found.tolist()] == expected
    assert all((np.diff((row < 0).astype(int)) >= 0).all() for row in found)
    assert any(expected)


PAIRS: list[Row] = [
    ("1", "red fence", "a fence may be red", ""),
    ("2", "red fence", "red is allowed", ""),
    ("3", "high wall", "a wall up to 2 m is not high", ""),
    ("4", "red wall", "a wall may be red or blue", ""),
    ("5", "deck", "zzz", ""),
]


@pytest.fixture
def mined(tmp_path: Path, vocabulary_file: Path) -> HardNegatives:
    """After the first epoch's search with the untrained bag, which is TF-IDF."""
    candidates = Candidates(write_records(tmp_path / "all", pair_records(PAIRS, vocabulary_file)))
    pairs = [(row[1].encode(), row[2].encode()) for row in PAIRS]
    settings = HardNegativeSettings(each=3, ranks=(1, 2), margin=-2, near=1)
    negatives = HardNegatives(settings, [*pairs, pairs[0]], candidates, 4)
    model = MatchModel(BagSettings(dimensions=16_384, buckets=2**18).build(["question", "answer"], ""))
    negatives.set_model(model)
    negatives.on_epoch_begin(0)
    return negatives


def drawn(negatives: HardNegatives, rows: list[int], step: int) -> list[list[str]]:
    pairs = {
        side: tf.constant([PAIRS[row][column] for row in rows]) for side, column in (("question", 1), ("answer", 2))
    }
    found = negatives.draw(pairs, tf.constant(step, tf.int64)).numpy().tolist()
    return [[text.decode() for text in found[start : start + 3]] for start in range(0, len(found), 3)]


def test_every_pair_gets_hard_ones_of_its_own(mined: HardNegatives) -> None:
    found: dict[int, set[str]] = {0: set(), 2: set(), 3: set()}
    for step in range(12):
        for row, texts in zip(found, drawn(mined, list(found), step), strict=True):
            found[row] |= set(texts)
    assert "a wall may be red or blue" in found[0]
    assert "red is allowed" not in found[0], "it is right as well"
    assert "a wall may be red or blue" in found[2]
    assert "a wall up to 2 m is not high" in found[3]
    assert all(len(texts) == 2 for texts in found.values())


def test_draws_follow_from_the_step(mined: HardNegatives) -> None:
    assert drawn(mined, [0, 2], 5) == drawn(mined, [0, 2], 5)
    assert len({str(drawn(mined, [0, 2], step)) for step in range(8)}) > 2


def test_before_anything_was_found_any_candidate_is_drawn(mined: HardNegatives) -> None:
    mined.places.assign(tf.fill(mined.places.shape, -1))
    found = {text for step in range(30) for texts in drawn(mined, [0, 4], step) for text in texts}
    assert found == {row[2] for row in PAIRS}


def test_ranks_are_checked() -> None:
    with pytest.raises(ValueError, match="got 5 to 2; they start at 1, and the first is not above the last"):
        HardNegativeSettings(ranks=(5, 2))
