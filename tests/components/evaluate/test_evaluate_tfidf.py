from collections import Counter
from math import log, sqrt

import numpy as np
import pytest

from components.evaluate import tfidf
from components.evaluate.tfidf import tfidf_ranks

CANDIDATES = [
    "a fence needs a permit",
    "a fence fence fence by the road",
    "the shed needs no permit",
    "许可证在网上申请",
    "👍",
    "by the road",
]
QUESTIONS = ["does a FENCE need a permit?", "by the road", "no permit for a shed?", "申请许可证", "unseen words"]
ANSWERS = [CANDIDATES[0], CANDIDATES[1], CANDIDATES[2], CANDIDATES[3], CANDIDATES[5]]


def words(text: str) -> list[str]:
    spaced = "".join(f" {letter} " if letter > "\u2e80" else letter for letter in text.lower())
    return ["".join(filter(str.isalnum, word)) for word in spaced.split() if any(map(str.isalnum, word))]


def naive_ranks(questions: list[str], answers: list[str], candidates: list[str]) -> list[int]:
    documents = [set(words(text)) for text in candidates]

    def idf(word: str) -> float:
        return 1 + log((1 + len(candidates)) / (1 + sum(word in document for document in documents)))

    known = set().union(*documents)

    def vector(text: str) -> dict[str, float]:
        weights = {word: (1 + log(n)) * idf(word) for word, n in Counter(words(text)).items() if word in known}
        length = sqrt(sum(weight**2 for weight in weights.values())) or 1
        return {word: weight / length for word, weight in weights.items()}

    ranks = []
    for question, answer in zip(questions, answers, strict=True):
        q = vector(question)
        scores = [sum(q.get(word, 0) * weight for word, weight in vector(text).items()) for text in candidates]
        ranks.append(sum(score >= scores[candidates.index(answer)] - 1e-12 for score in scores))
    return ranks


def test_ranks_are_those_of_a_naive_loop() -> None:
    expected = naive_ranks(QUESTIONS, ANSWERS, CANDIDATES)
    assert expected == [1, 2, 1, 1, 6]
    assert sorted(tfidf_ranks(QUESTIONS, ANSWERS, CANDIDATES)) == sorted(expected)
    for question, answer, rank in zip(QUESTIONS, ANSWERS, expected, strict=True):
        assert tfidf_ranks([question], [answer], CANDIDATES).tolist() == [rank], question


def test_ranks_of_texts_that_repeat_their_words_are_those_of_a_naive_loop() -> None:
    draw = np.random.default_rng(12)
    vocabulary = [f"w{number}" for number in range(30)]
    texts = [" ".join(draw.choice(vocabulary[: draw.integers(3, 31)], size=20)) for _ in range(60)]
    expected = naive_ranks(texts[:30], texts[30:], texts[30:])
    found = [tfidf_ranks([texts[at]], [texts[30 + at]], texts[30:])[0] for at in range(30)]
    assert found == expected
    assert len(set(expected)) > 10


def test_a_candidate_with_the_same_score_counts_as_better() -> None:
    candidates = ["fence permit", "permit fence", "shed", "permit shed"]
    assert tfidf_ranks(["fence permit"] * 2, candidates[:2], candidates).tolist() == [2, 2]


def test_other_right_answers_of_a_question_do_not_count() -> None:
    """By the road is right, and so is the fence by the road, which scores lower; of another question neither is."""
    fence, road = CANDIDATES[1], CANDIDATES[5]
    right = {"by the road": [road, fence, fence], "does a FENCE need a permit?": [CANDIDATES[2]]}
    asked = [("by the road", fence), ("by the road", road), ("by road", fence)]
    alone, together = (
        [tfidf_ranks([question], [answer], CANDIDATES, known)[0] for question, answer in asked]
        for known in (None, right)
    )
    assert alone == [2, 1, 2]
    assert together == [1, 1, 2]


def test_a_question_without_known_words_ranks_last() -> None:
    assert tfidf_ranks(["👍", ""], CANDIDATES[:2], CANDIDATES).tolist() == [6, 6]


def test_a_library_without_words_ranks_every_question_last() -> None:
    assert tfidf_ranks(["a fence?"], ["👍"], ["👍", "👎", "?"]).tolist() == [3]


def test_more_questions_than_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tfidf_ranks(QUESTIONS, ANSWERS, CANDIDATES)
    monkeypatch.setattr(tfidf, "_BATCH", 2)
    np.testing.assert_array_equal(tfidf_ranks(QUESTIONS, ANSWERS, CANDIDATES), whole)


def test_past_the_limit_a_seeded_sample_is_ranked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfidf, "MAX_QUESTIONS", 3)
    samples = [tfidf_ranks(QUESTIONS, ANSWERS, CANDIDATES, seed=seed).tolist() for seed in range(8)]
    assert {len(sample) for sample in samples} == {3}
    assert samples[3] == tfidf_ranks(QUESTIONS, ANSWERS, CANDIDATES, seed=3).tolist()
    assert len({tuple(sorted(sample)) for sample in samples}) > 1
    rest = Counter(naive_ranks(QUESTIONS, ANSWERS, CANDIDATES))
    assert all(Counter(int(rank) for rank in sample) <= rest for sample in samples)
