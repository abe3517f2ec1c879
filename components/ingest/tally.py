"""Counts what became of the rows, mergeable, so that files can be counted apart."""

from collections import Counter
from dataclasses import dataclass, field

from components.ingest.rows import Reject

MAX_LISTED = 10_000  # rejects named one by one; all are counted


@dataclass
class Tally:
    """What became of some rows. Units are numbered in the order of their files; places are (unit, line)."""

    rows: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    first: dict[str, tuple[int, int]] = field(default_factory=dict)
    listed: list[tuple[int, Reject]] = field(default_factory=list)
    kept: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    distinct: Counter[str] = field(default_factory=Counter)

    def set_aside(self, unit: int, rejected: Reject) -> None:
        """Counts one reject."""
        self.rejected[rejected.reason] += 1
        self.first.setdefault(rejected.reason, (unit, rejected.line))
        if len(self.listed) < MAX_LISTED:
            self.listed.append((unit, rejected))

    def add(self, other: "Tally") -> "Tally":
        """Adds what `other` counted; returns itself."""
        self.rows += other.rows
        self.rejected += other.rejected
        self.kept += other.kept
        self.duplicates += other.duplicates
        self.distinct += other.distinct
        for reason, place in other.first.items():
            self.first[reason] = min(place, self.first.get(reason, place))
        self.listed = sorted(self.listed + other.listed)[:MAX_LISTED]
        return self
