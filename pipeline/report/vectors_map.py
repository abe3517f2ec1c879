"""The map of test rows: their vectors on a plane, a marker for each label or category."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from pipeline.report.charts.markers import MOST, marker
from pipeline.report.charts.scatter import Point, scatter_chart
from pipeline.report.charts.svg import drawing
from pipeline.report.confusion import natural
from pipeline.report.page import LegendEntry, Map
from pipeline.report.projection import project

_SIGN = 14.0


def vectors_map(
    vectors: np.ndarray,
    groups: Sequence[str],
    texts: Sequence[str],
    ringed: np.ndarray,
    *,
    what: str,
    by: str,
    ring: str,
    seed: int,
    fewest: int = 1,
) -> Map | None:
    """Draw rows on a plane.

    Args:
        vectors: float[N, D].
        groups: N labels or categories; an empty one is none.
        texts: N, shown when the pointer rests on a row.
        ringed: bool[N], rows to mark.
        what: what the rows are, such as `questions`.
        by: what the groups are, such as `label`.
        ring: what a ring means.
        seed: of the projection.
        fewest: groups with fewer rows get no marker of their own.

    Returns:
        None where there are too few rows, or all are in one place.
    """
    projection = project(vectors, seed)
    if projection is None:
        return None
    counts = Counter(groups[row] for row in projection.rows.tolist() if groups[row])
    common = [group for group, rows in counts.most_common(MOST) if rows >= fewest]
    numbers = {group: number for number, group in enumerate(sorted(common, key=natural))}
    points = [Point(numbers.get(groups[row]), texts[row], ringed=bool(ringed[row])) for row in projection.rows.tolist()]
    legend = [_entry(number, group, counts[group]) for group, number in numbers.items()]
    others = sum(point.group is None for point in points)
    return Map(
        chart=scatter_chart(projection, points, {number: group for group, number in numbers.items()}),
        method=projection.method,
        explained=sum(projection.shown) if projection.shown else None,
        rows=len(points),
        what=what,
        by=by,
        legend=[*legend, _entry(None, "all others", others)] if others else legend,
        ringed=ring if any(point.ringed for point in points) else "",
    )


def _entry(number: int | None, name: str, rows: int) -> LegendEntry:
    sign = drawing(_SIGN, _SIGN, "", marker(number, _SIGN / 2, _SIGN / 2, 5.0))
    return LegendEntry(sign, name, rows)
