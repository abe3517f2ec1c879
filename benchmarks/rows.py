"""Question and answer rows of any number, made from the 503 real pairs of the building-permit FAQ."""

import csv
import importlib.util
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

ROWS_PER_ANSWER = 10
"""Rows that share one answer. In the FAQ nearly every row has its own; in a help desk's log, which is where 100,000
questions come from, many people ask for the same thing in their own words. Ten lies between the two and gives 10,000
candidates at 100,000 rows."""

SOURCE = ("zaragoza_construction_faq", "data/faq-en.csv")


class Pair(NamedTuple):
    """One row of the file that is written; the names of the fields are those of its columns."""

    id: str
    category: str
    question: str
    answer: str


def write_rows(path: Path, rows: int, seed: int = 1) -> None:
    """Write `rows` different pairs to a CSV file; the same bytes for the same arguments."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(Pair._fields)
        table.writerows(make_rows(_real_pairs(), rows, seed))


def make_rows(real: list[Pair], rows: int, seed: int) -> Iterator[Pair]:
    """Rows in random order; no two have the same question, and ROWS_PER_ANSWER of them share an answer.

    A real question comes once as it is and else reworded; an answer past the last real one is a real one with a word or
    two changed.
    """
    draw = random.Random(seed)
    pool = _answers(real, max(rows // ROWS_PER_ANSWER, 2), draw)
    seen: set[str] = set()
    order = [number % len(pool) for number in range(rows)]
    draw.shuffle(order)
    for number, place in enumerate(order):
        pair = pool[place]
        question = pair.question
        while question in seen:
            question = reword(question, draw)
        seen.add(question)
        yield Pair(f"row-{number:07}", pair.category, question, pair.answer)


def _answers(real: list[Pair], count: int, draw: random.Random) -> list[Pair]:
    """`count` pairs of which no two have the same answer."""
    pool: dict[str, Pair] = {}
    shuffled = draw.sample(real, len(real))
    for number in range(10 * count):
        pair = shuffled[number % len(shuffled)]
        answer = pair.answer
        while number >= len(shuffled) and answer in pool:
            answer = _EDITS[draw.randrange(3)](answer.split(" "), draw)
        pool.setdefault(answer, pair._replace(answer=answer))
        if len(pool) == count:
            break
    return list(pool.values())


def reword(text: str, draw: random.Random) -> str:
    """The text with one edit: a word dropped, moved or said twice, or a slip of the finger."""
    return draw.choice(_EDITS)(text.split(" "), draw)


def _drop(words: list[str], draw: random.Random) -> str:
    place = draw.randrange(len(words))
    return " ".join(words[:place] + words[place + 1 :]) if len(words) > 2 else " ".join(words)


def _swap(words: list[str], draw: random.Random) -> str:
    place = draw.randrange(len(words))
    return " ".join([*words[:place], *reversed(words[place : place + 2]), *words[place + 2 :]])


def _repeat(words: list[str], draw: random.Random) -> str:
    place = draw.randrange(len(words))
    return " ".join([*words[:place], words[place], *words[place:]])


def _mistype(words: list[str], draw: random.Random) -> str:
    place = draw.randrange(len(words))
    letters = list(words[place])
    at = draw.randrange(len(letters) + 1)
    letters[at : at + draw.randrange(2)] = draw.choice("abcdefghijklmnopqrstuvwxyz")
    return " ".join([*words[:place], "".join(letters), *words[place + 1 :]])


_EDITS: list[Callable[[list[str], random.Random], str]] = [_drop, _swap, _repeat, _mistype]


def _real_pairs() -> list[Pair]:
    package, inside = SOURCE
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"the package {package} is not installed; it comes with anchorline[examples]")
    file = Path(next(iter(spec.submodule_search_locations)), inside)
    with file.open(encoding="utf-8", newline="") as opened:
        return [Pair(row["id"], row["category"], row["q"], row["a"]) for row in csv.DictReader(opened)]
