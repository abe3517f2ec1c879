"""How many rows each label or category has in each split, from the statistics of the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tensorflow_metadata.proto.v0 import statistics_pb2

from pipeline.report.confusion import natural

MOST = 20
"""Values named one by one; what is rarer is put together."""

FEW = 12
"""So many values or fewer keep their natural order."""


@dataclass(frozen=True)
class Share:
    """Rows of one label or category."""

    name: str
    rows: Mapping[str, int]
    """By split."""

    @property
    def total(self) -> int:
        """Rows of all splits."""
        return sum(self.rows.values())


@dataclass(frozen=True)
class Distribution:
    """Rows by the values of a feature."""

    feature: str
    shares: tuple[Share, ...]
    rest: Share | None
    """Everything that is not named, if there is anything."""
    values: int
    """Different values."""


def distribution(feature: str, counts: Mapping[str, Mapping[str, int]]) -> Distribution:
    """Counts by value: few in their natural order, many with the most frequent first.

    Args:
        feature: its name.
        counts: rows by split and value.
    """
    names = {name: None for split in counts.values() for name in split}
    shares = [Share(name, {split: by_name.get(name, 0) for split, by_name in counts.items()}) for name in names]
    shares.sort(key=lambda share: (-share.total, natural(share.name)))
    named, others = (shares, []) if len(shares) <= MOST else (shares[: MOST - 1], shares[MOST - 1 :])
    if len(shares) <= FEW:
        named = sorted(named, key=lambda share: natural(share.name))
    return Distribution(feature, tuple(named), _together(others), len(shares))


def _together(shares: Sequence[Share]) -> Share | None:
    if not shares:
        return None
    rows = {split: sum(share.rows[split] for share in shares) for split in shares[0].rows}
    most, least = shares[0].total, shares[-1].total
    return Share(f"{len(shares)} others of {least}{'' if least == most else f' to {most}'} rows each", rows)


def read_counts(statistics: Path, feature: str) -> dict[str, int]:
    """Rows by value of a feature in one split.

    Args:
        statistics: file that StatisticsGen wrote of the split.
        feature: its name.
    """
    found = statistics_pb2.DatasetFeatureStatisticsList.FromString(statistics.read_bytes())
    return {
        bucket.label: round(bucket.sample_count)
        for dataset in found.datasets
        for one in dataset.features
        if list(one.path.step) == [feature]
        for bucket in one.string_stats.rank_histogram.buckets
    }
