import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from components.transform.tokens import tokenize


def tokens(text: str | bytes) -> list[str]:
    (row,) = tokenize(tf.constant([text])).to_list()
    return [token.decode() for token in row]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Do I need a PERMIT?", ["do", "i", "need", "a", "permit"]),
        ("Får jag bygga 2 ALTANER på Östra vägen?", ["får", "jag", "bygga", "2", "altaner", "på", "östra", "vägen"]),
        ("ЗАБОР Ωμέγα", ["забор", "ωμέγα"]),
        ("怎么申请BYGGLOV许可证", ["怎", "么", "申", "请", "bygglov", "许", "可", "证"]),
        ("ベランダと屋根", ["ベ", "ラ", "ン", "ダ", "と", "屋", "根"]),
        ("これは2ペン", ["こ", "れ", "は", "2", "ペ", "ン"]),
        ("울타리 허가", ["울", "타", "리", "허", "가"]),
        ("ऊँची बाड़", ["ऊँची", "बाड़"]),
        ("cafe\u0301", ["cafe\u0301"]),
        ("1,8 m² §4-5 ٣", ["1", "8", "m²", "4", "5", "٣"]),
        ("e-mail: a_b@c.se", ["e", "mail", "a", "b", "c", "se"]),
        ("don't l’été", ["don", "t", "l", "été"]),
        ("\u00a0bygg\u00a0lov\u3000hus\u200blov\t\n", ["bygg", "lov", "hus", "lov"]),
        ("👍🏽 👨‍👩‍👧 !?", []),
        ("", []),
        (" \n", []),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_each_text_has_a_row_of_its_own() -> None:
    assert tokenize(tf.constant(["one two", "", "许可"])).to_list() == [
        [b"one", b"two"],
        [],
        ["许".encode(), "可".encode()],
    ]


def test_no_texts() -> None:
    assert tokenize(tf.constant([], tf.string)).to_list() == []


@given(st.text())
@example("İ ΑΣ.Β ǅ ß \u0130\u0307 \ufdfa か\u3099")
@example("\x00a\x85b\u2028c\ufeffd")
@settings(max_examples=300, deadline=None)
def test_tokens_joined_by_spaces_give_the_same_tokens(text: str) -> None:
    found = tokens(text)
    assert all(found)
    assert tokens(" ".join(found)) == found


@given(st.lists(st.binary(max_size=20), max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_bytes_have_tokens(texts: list[bytes]) -> None:
    assert tokenize(tf.constant(texts, tf.string)).nrows() == len(texts)


def test_bytes_that_are_not_utf_8_separate_words() -> None:
    assert tokens(b"bygg\xfflov \xe5r") == ["bygg", "lov", "r"]
