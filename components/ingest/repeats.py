"""Finds rows that repeat an earlier one, and counts different values, from short digests of them.

Digests are dealt into buckets by their first byte, so that a bucket holds everything about the values in it and buckets
can be looked through apart. Nothing here holds a text or a picture.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

from components.ingest.parse import Value
from components.ingest.tally import Tally

_BUCKETS = 64
_BATCH = 256  # entries sent off together
_DIGEST = 10  # bytes


# One row: the digests of its parts, the number of its unit, its line and its split. Of equal rows the smallest is kept.
type Entry = tuple[bytes, int, int, str]


def digest(value: Value) -> bytes:
    """80 bits of a value: among 100 million of them two that differ are equal with a probability below 1e-8."""
    content = value.encode() if isinstance(value, str) else value
    return hashlib.blake2b(content, digest_size=_DIGEST).digest()


class Buckets[T]:
    """Deals entries into buckets and hands them out in batches; holds at most _BUCKETS × _BATCH of them."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._held: list[list[T]] = [[] for _ in range(_BUCKETS)]

    def add(self, key: bytes, entry: T) -> Iterator[tuple[str, list[T]]]:
        """Yields the entry's bucket when that makes it full."""
        number = key[0] % _BUCKETS
        held = self._held[number]
        held.append(entry)
        if len(held) == _BATCH:
            self._held[number] = []
            yield f"{self._kind}/{number}", held

    def rest(self) -> Iterator[tuple[str, list[T]]]:
        """Yields what is left."""
        for number, held in enumerate(self._held):
            if held:
                yield f"{self._kind}/{number}", held


def find_repeats(entries: Iterable[Entry], first_part: str, tally: Tally) -> Iterator[Entry]:
    """Yields the entries of one bucket that repeat another, and counts the bucket into `tally`.

    Args:
        entries: in any order; must have been dealt by the digest of the first part.
        first_part: its name among the distinct values.
        tally: gets kept, duplicates and distinct first parts once the last entry was taken.
    """
    first: dict[bytes, Entry] = {}
    for entry in entries:
        kept = first.setdefault(entry[0], entry)
        if kept is not entry:
            first[entry[0]] = min(kept, entry)
            tally.duplicates += 1
            yield max(kept, entry)
    tally.kept = Counter(split for _, _, _, split in first.values())
    tally.distinct[first_part] = len({pair[:_DIGEST] for pair in first})
