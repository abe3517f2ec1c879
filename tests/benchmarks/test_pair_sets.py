from pathlib import Path

import pytest

from benchmarks.pair_sets import SMALL_TALK_PACKAGE, TRIVIA_PACKAGE, Pair, load_pairs, unify
from components.errors import UserError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANCHORLINE_CACHE", str(tmp_path))
    return tmp_path / "datasets"


def test_texts_that_differ_in_case_and_punctuation_are_one() -> None:
    pairs = [
        ("Who?", "Batman"),
        ("who", "The Joker"),
        ("Which?", " batman! "),
        ("Who?", "Batman"),
        ("", "x"),
        ("y", " "),
    ]
    assert unify(pairs) == [Pair("Who?", "Batman"), Pair("Who?", "The Joker"), Pair("Which?", "Batman")]


def test_texts_without_words_are_told_apart() -> None:
    assert unify([("?", ":)"), ("!", ":(")]) == [Pair("?", ":)"), Pair("!", ":(")]


@pytest.mark.parametrize(
    ("name", "pairs", "questions", "first"),
    [("faq-en", 503, 497, "permit"), ("faq-sv", 503, 500, "bygglov"), ("headlines", 2_122, 2_095, "profit")],
)
def test_sets_of_installed_packages(name: str, pairs: int, questions: int, first: str) -> None:
    loaded = load_pairs(name)
    assert (len(loaded), len({pair.question for pair in loaded})) == (pairs, questions)
    assert first in loaded[0].question.lower()
    assert len(loaded[0].answer) > len(loaded[0].question)


def test_small_talk_takes_the_first_two_lines(cache: Path) -> None:
    folder = cache / SMALL_TALK_PACKAGE / "chatterbot_corpus/data/chinese"
    folder.mkdir(parents=True)
    (folder / "a.yml").write_text(
        "categories: [x]\nconversations:\n- [你好, 好, 再见]\n- [一]\n- [你好, 嗨]\n", "utf-8"
    )
    assert load_pairs("talk-zh") == [Pair("你好", "好"), Pair("你好", "嗨")]


def test_trivia_has_all_spellings_and_no_pictures(cache: Path) -> None:
    folder = cache / TRIVIA_PACKAGE / "redbot/ext/trivia/lists"
    folder.mkdir(parents=True)
    lists = "AUTHOR: Somebody\nHow many?:\n- ninety-six\n- 96\nWhose flag? http://x/y.png:\n- Oregon\n"
    (folder / "a.yaml").write_text(lists)
    assert load_pairs("trivia") == [Pair("How many?", "ninety-six"), Pair("How many?", "96")]


def test_unknown_name() -> None:
    with pytest.raises(UserError, match="no data set of pairs 'faq'; there are faq-en, faq-sv, headlines, talk-en"):
        load_pairs("faq")
