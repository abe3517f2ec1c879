"""How many rows each label or category has in each split, from the statistics of the run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tensorflow_metadata.proto.v0 import statistics_pb2

from pipeline.report.confusion import natural

MOST = 40
"""Values named one by one; what is rarer is put together."""


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
    """Counts by value, the most frequent first where there are too many to name, else in their natural order.

    Args:
        feature: its name.
        counts: rows by split and value.
    """
    names = {name: None for split in counts.values() for name in split}
    shares = [Share(name, {split: by_name.get(name, 0) for split, by_name in counts.items()}) for name in names]
    shares.sort(key=lambda share: (-share.total, natural(share.name)))
    named, others = (shares, []) if len(shares) <= MOST else (shares[: MOST - 1], shares[MOST - 1 :])
    rest = Share(f"{len(others)} others", {split: sum(one.rows[split] for one in others) for split in counts})
    if not others:
        named = sorted(named, key=lambda share: natural(share.name))
    return Distribution(feature, tuple(named), rest if others else None, len(shares))


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
