"""The exported library with its index and TF-IDF, loaded as TensorFlow Serving loads it, against NumPy."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import BagSettings
from components.search.partitions import Partitions
from components.search.postings import Postings
from components.search.settings import IndexSettings, SearchSettings
from components.tasks.match import MatchModel
from components.tasks.settings import MatchSettings
from components.train.candidates import Candidates
from components.train.library import WEIGHTS, Built, build_library
from components.train.match import export_match
from components.train.settings import MatchTrainer, MatchTrainSettings
from tests.components.corpus import Row
from tests.components.train.served import Served, example

BUCKETS, NGRAMS = 2**12, (3,)
ROWS: list[Row] = [
    (f"{number:03}", f"may i build a {word}{number} here", f"A {word}{number} needs a permit number {number % 7}.", "x")
    for number, word in enumerate(["fence", "shed", "deck", "wall", "pool"] * 12)
]
ASKED = ["may i build a shed1 here", "pool9", "A wall3 needs a permit number 3.", "", "许可证"]


class Made(NamedTuple):
    built: Built
    model: MatchModel
    served: Served
    files: list[str]


@pytest.fixture(scope="module", params=[("exact", 0.3), ("partitions", "none"), ("partitions", "auto")])
def made(
    request: pytest.FixtureRequest, write_examples: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Made:
    index, lexical = request.param
    folder = tmp_path_factory.mktemp("library")
    files = write_examples(folder / "records", ROWS)
    keras.utils.set_random_seed(3)
    encoder = BagSettings(dimensions=96, buckets=BUCKETS, ngrams=NGRAMS)
    model = MatchModel(encoder.build(["question", "answer"], ""))
    settings = MatchTrainer(
        inputs={"question": "text", "answer": "text"},
        train=MatchTrainSettings(),
        seed=1,
        model=MatchSettings(encoder=encoder),
        candidates=6,
        index=IndexSettings(type=index, min_recall=1),
        search=SearchSettings(lexical=lexical, buckets=BUCKETS, ngrams=NGRAMS),
    )
    built = build_library(model, Candidates(files), settings, files)
    export_match(model, built.library, settings, str(folder / "1"))
    return Made(built, model, Served(folder / "1"), files)


def scores(made: Made, asked: list[str]) -> tuple[list[bytes], np.ndarray]:
    """The answers, and what each question scores with them."""
    answers = sorted(row[2].encode() for row in ROWS)
    vectors = made.model.encode("answer", tf.constant(answers)).numpy()
    cosines = made.model.encode("question", tf.constant(asked)).numpy() @ vectors.T
    weight = made.built.record.get("lexical", {"weight": 0})["weight"]
    return answers, (1 - weight) * cosines + weight * Postings(answers, BUCKETS, NGRAMS).scores(
        tf.constant(asked)
    ).numpy()


def test_search_serves_the_best_by_both_scores(made: Made) -> None:
    found = made.served("search", ASKED)
    answers, expected = scores(made, ASKED)
    np.testing.assert_allclose(found["scores"], -np.sort(-expected, axis=1)[:, :6], atol=1e-4)
    place = {answer: number for number, answer in enumerate(answers)}
    for row, candidates in enumerate(found["candidates"]):
        chosen = [place[candidate] for candidate in candidates]
        np.testing.assert_allclose(found["scores"][row], expected[row, chosen], atol=1e-4)
        assert len(set(chosen)) == 6
    ids = {row[2].encode(): row[0].encode() for row in ROWS}
    assert found["ids"].tolist() == [[ids[one] for one in row] for row in found["candidates"]]


def test_evaluate_ranks_by_the_score_that_search_serves(made: Made) -> None:
    examples = [example({"question": row[1], "answer": row[2]}) for row in ROWS]
    answers, expected = scores(made, [row[1] for row in ROWS])
    own = expected[np.arange(60), [answers.index(row[2].encode()) for row in ROWS]]
    clear = np.abs(expected - own[:, np.newaxis]) > 1e-4
    best = 1 + (clear & (expected > own[:, np.newaxis])).sum(axis=1)
    worst = 60 - (clear & (expected < own[:, np.newaxis])).sum(axis=1)
    ranks = made.served("evaluate", examples)["rank"]
    assert np.all((best <= ranks) & (ranks <= worst))
    found = made.served("search", [row[1] for row in ROWS])["ids"]
    first = np.array([row[0].encode() for row in ROWS]) == found[:, 0]
    assert np.all(first[ranks == 1])


def test_the_record_tells_what_was_chosen(made: Made) -> None:
    record: dict[str, Any] = dict(made.built.record)
    assert record["library"] == 60
    if isinstance(made.built.library.similarity.index, Partitions):
        assert record["chosen_index"]["recall"] == 1
    else:
        assert record["chosen_index"] == {"type": "exact"}
    tried = record.get("lexical", {}).get("mrr_by_weight")
    if tried:
        assert [float(weight) for weight in tried] == list(WEIGHTS)
        assert tried[str(record["lexical"]["weight"])] == max(tried.values())


def test_an_empty_request(made: Made) -> None:
    assert made.served("search", [])["ids"].shape == (0, 6)


def test_the_export_holds_vectors_once(made: Made) -> None:
    index = made.built.library.similarity.index
    rows = [one for one in index.variables if one.shape.rank == 2 and 60 in one.shape and "centers" not in one.name]
    floats = sum(int(np.prod(one.shape)) for one in rows)
    assert floats == 60 * 96
