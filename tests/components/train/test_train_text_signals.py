"""Pieces of texts, what texts lose, and pairs made of candidates: by their properties, and by literal values."""

import re
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.train.cloze import ClozePairs, random_sentence, random_span
from components.train.signal_settings import ClozeSettings
from components.train.text_dropout import drop_span, drop_words
from components.train.text_pieces import join, sentences, words

TEXTS = st.lists(st.text("ab.!? \n。許可한1", max_size=30), min_size=1, max_size=4)
SEEDS = st.tuples(st.integers(0, 2**31), st.integers(0, 2**40)).map(lambda seed: tf.constant(seed, tf.int64))
FEW = settings(max_examples=25, deadline=None)


def decoded(texts: tf.Tensor) -> list[str]:
    return [text.decode() for text in texts.numpy().tolist()]


def cut(pieces: tf.RaggedTensor) -> list[list[str]]:
    return [[piece.decode() for piece in row] for row in pieces.to_list()]


def test_sentences_and_words() -> None:
    text = tf.constant(["Up to 1.5 m. Really? (Yes!) End", "許可が必要。はい！", ""])
    assert cut(sentences(text)) == [["Up to 1.5 m. ", "Really? ", "(Yes!) ", "End"], ["許可が必要。", "はい！"], []]
    text = tf.constant(["Up  to 許可 m.\nx", "한글 ok", "", "  led"])
    assert cut(words(text)) == [["Up  ", "to ", "許", "可 ", "m.\n", "x"], ["한", "글 ", "ok"], [], ["  led"]]


@FEW
@given(TEXTS)
def test_pieces_make_up_the_text(texts: list[str]) -> None:
    for pieces in (sentences(tf.constant(texts)), words(tf.constant(texts))):
        assert decoded(join(pieces)) == texts
        assert all(piece for row in cut(pieces) for piece in row)


@FEW
@given(TEXTS, st.floats(0, 0.99), SEEDS)
def test_of_every_text_some_words_stay_in_their_order(texts: list[str], share: float, seed: tf.Tensor) -> None:
    kept = decoded(drop_words(tf.constant(texts), share, seed))
    for text, rest in zip(cut(words(tf.constant(texts))), kept, strict=True):
        assert bool(rest) == bool(text)
        assert re.fullmatch("".join(f"({re.escape(word)})?" for word in text), rest)


def test_so_many_words_are_dropped() -> None:
    text = tf.constant(["w " * 400] * 50)
    lost = 400 - np.array([rest.count("w") for rest in decoded(drop_words(text, 0.3, tf.constant([1, 2], tf.int64)))])
    assert np.mean(lost) / 400 == pytest.approx(0.3, abs=0.02)
    assert len(set(lost)) > 10
    assert decoded(drop_words(text, 0.0, tf.constant([1, 2], tf.int64))) == decoded(text)


@FEW
@given(st.lists(st.integers(0, 12), min_size=1, max_size=5), st.floats(0, 0.99), SEEDS)
def test_a_span_is_one_run_of_at_most_its_share(lengths: list[int], most: float, seed: tf.Tensor) -> None:
    texts = tf.constant([" ".join(f"w{place}" for place in range(length)) for length in lengths])
    for length, rest in zip(lengths, decoded(drop_span(texts, most, seed)), strict=True):
        places = [int(word[1:]) for word in rest.split()]
        assert length - round(most * length) <= len(places) <= length
        breaks = sum(b != a + 1 for a, b in zip([-1, *places], [*places, length], strict=True))
        assert breaks == (len(places) < length)


def test_spans_are_of_every_length_and_place() -> None:
    texts = tf.constant(["a b c d"] * 300)
    found = Counter(rest.replace(" ", "") for rest in decoded(drop_span(texts, 0.5, tf.constant([3, 4], tf.int64))))
    assert set(found) == {"abcd", "bcd", "acd", "abd", "abc", "cd", "ad", "ab"}


@FEW
@given(TEXTS, SEEDS)
def test_a_piece_is_of_its_own_text(texts: list[str], seed: tf.Tensor) -> None:
    raw = tf.constant(texts)
    for text, part, parts in zip(texts, decoded(random_sentence(raw, seed)), cut(sentences(raw)), strict=True):
        assert part in parts or part == text == ""
    for text, part, parts in zip(texts, decoded(random_span(raw, seed)), cut(words(raw)), strict=True):
        assert part in text
        assert bool(part) == bool(text)
        assert len(part) <= len("".join(parts))


def test_every_candidate_is_drawn_before_one_is_drawn_again() -> None:
    library = [f"first {number}. second {number}." for number in range(7)]
    cloze = ClozePairs(ClozeSettings(share=0.25), tf.constant(library), 5)
    assert [cloze.rows(batch) for batch in (2, 4, 64)] == [0, 1, 16]
    drawn = [cloze.draw(3, tf.constant(step, tf.int64)) for step in range(14)]
    answers = [answer for pairs in drawn for answer in decoded(pairs["answer"])]
    passes = [answers[start : start + 7] for start in range(0, 42, 7)]
    assert all(sorted(one) == library for one in passes)
    assert len({tuple(one) for one in passes}) > 3
    questions = [question for pairs in drawn for question in decoded(pairs["question"])]
    assert all(question.strip() in answer for question, answer in zip(questions, answers, strict=True))
    assert {question.split()[0] for question in questions} == {"first", "second"}
    again = ClozePairs(ClozeSettings(share=0.25), tf.constant(library), 5).draw(3, tf.constant(13, tf.int64))
    other = ClozePairs(ClozeSettings(share=0.25), tf.constant(library), 6).draw(3, tf.constant(13, tf.int64))
    assert decoded(again["answer"]) == decoded(drawn[13]["answer"])
    assert decoded(other["answer"]) != decoded(drawn[13]["answer"])
