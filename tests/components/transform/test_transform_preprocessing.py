"""The Transform step, run for real, against the lookup that training and serving use."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
import tensorflow_transform as tft

from components.transform.settings import TransformSettings
from components.transform.tokens import tokenize
from components.transform.vocabulary import NAME, RESERVED, Vocabulary

type Row = tuple[str, str, str, str]
SIDES = ("question", "answer")


@pytest.fixture(scope="module")
def step_vocabulary(transformed: Path) -> str:
    return tft.TFTransformOutput(str(transformed / "graph")).vocabulary_file_by_name(NAME)


@pytest.fixture(scope="module")
def records(transformed: Path) -> list[dict[str, Any]]:
    """What the step wrote for the whole corpus, the training split first."""
    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in ("id", *SIDES)} | {
        f"{side}_ids": tf.io.RaggedFeature(tf.int64) for side in SIDES
    }
    files = [str(file) for split in ("train", "test") for file in (transformed / f"examples/Split-{split}").iterdir()]
    examples = [tf.io.parse_single_example(raw, spec) for raw in tf.data.TFRecordDataset(files, "GZIP")]
    return [{name: value.numpy() for name, value in example.items()} for example in examples]


def test_texts_pass_through(records: list[dict[str, Any]], rows: list[Row]) -> None:
    found = sorted((record["id"].decode(), *(record[side].decode() for side in SIDES)) for record in records)
    assert found == sorted(row[:3] for row in rows)


def test_ids_are_those_of_the_serving_lookup(records: list[dict[str, Any]], step_vocabulary: str) -> None:
    vocabulary = Vocabulary(step_vocabulary)
    for record in records:
        for side in SIDES:
            served = vocabulary.lookup(tokenize(tf.constant([record[side]])))
            assert record[f"{side}_ids"].tolist() == served.to_list()[0], record[side].decode()


def test_ids_cover_scripts_known_and_unknown_tokens_and_empty_texts(records: list[dict[str, Any]]) -> None:
    ids = {record["id"].decode(): record["question_ids"].tolist() for record in records}
    assert ids["10"] == []
    assert set(ids["01"]) == {1}  # Hangul is in the test split alone
    assert min(ids["05"]) >= RESERVED
    assert 1 in ids["09"]
    assert max(ids["09"]) >= RESERVED


def token_counts(rows: list[Row]) -> Counter[str]:
    texts = [text for row in rows[:6] for text in row[1:3]]
    return Counter(token.decode() for tokens in tokenize(texts).to_list() for token in tokens)


def test_vocabulary_is_the_most_frequent_tokens_of_both_sides_of_the_training_split(
    step_vocabulary: str, rows: list[Row]
) -> None:
    tokens = Path(step_vocabulary).read_text(encoding="utf-8").splitlines()
    counts = token_counts(rows)
    assert len(tokens) == len(set(tokens)) == 40
    assert tokens[0] == "a"
    assert [counts[token] for token in tokens] == sorted(counts.values(), reverse=True)[:40]


def test_vocabulary_leaves_out_rare_tokens(transform: Callable[[TransformSettings], Path], rows: list[Row]) -> None:
    folder = transform(TransformSettings(min_count=2))
    tokens = tft.TFTransformOutput(str(folder / "graph")).vocabulary_by_name(NAME)
    expected = {token for token, count in token_counts(rows).items() if count > 1}
    assert {token.decode() for token in tokens} == expected
    assert 5 < len(expected) < 40
