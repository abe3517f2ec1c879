"""Vectors on a plane, a marker for each group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from pipeline.report.charts.axes import Scale
from pipeline.report.charts.markers import marker
from pipeline.report.charts.svg import drawing, element, title
from pipeline.report.projection import Projection

_WIDTH, _HEIGHT, _EDGE = 540.0, 460.0, 18.0
_LINE, _LETTER = 15.0, 8.0
_ABOVE = 9.0
_ENOUGH = 8
_COMPACT = 0.5
"""A group lies together if its points are this much nearer to their middle than all points are to theirs."""
_NAMED = 12
_MANY = 600


@dataclass(frozen=True)
class Point:
    """A row on the plane."""

    group: int | None
    """None where its group has no marker of its own."""
    text: str
    """What is shown when the pointer rests on it."""
    ringed: bool = False
    """Marked, because something is wrong with it."""


def scatter_chart(projection: Projection, points: Sequence[Point], names: Mapping[int, str]) -> Markup:
    """Every row a marker; groups are named where there are few.

    Args:
        projection: places of the rows.
        points: of the same rows, in their order.
        names: of the groups.
    """
    places = _fit(projection.points)
    size = 3.2 if len(points) > _MANY else 4.4
    drawn = sorted(zip(places, points, strict=True), key=lambda item: (item[1].ringed, item[1].group is not None))
    named = _names(places, points, names) if len(names) <= _NAMED else []
    return drawing(
        _WIDTH,
        _HEIGHT,
        f"{projection.method} of {len(points)} vectors: {', '.join(list(names.values())[:_NAMED])}",
        element("rect", x=0, y=0, width=_WIDTH, height=_HEIGHT, rx=6, class_="plane"),
        *(_point(x, y, point, size) for (x, y), point in drawn),
        *named,
    )


def _fit(points: np.ndarray) -> list[tuple[float, float]]:
    """Both axes by one factor, in the middle of the drawing."""
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.array([_WIDTH, _HEIGHT]) - 2 * _EDGE
    factor = float((room / np.maximum(high - low, 1e-12)).min())
    middle = (low + high) / 2
    x = Scale(0, 1, _WIDTH / 2, _WIDTH / 2 + factor)
    y = Scale(0, 1, _HEIGHT / 2, _HEIGHT / 2 - factor)
    return [(x(left), y(up)) for left, up in (points - middle).tolist()]


def _point(x: float, y: float, point: Point, size: float) -> Markup:
    ring = element("circle", cx=x, cy=y, r=size + 3.0, class_="ring") if point.ringed else Markup("")
    return element("g", title(point.text), ring, marker(point.group, x, y, size))


def _names(places: Sequence[tuple[float, float]], points: Sequence[Point], names: Mapping[int, str]) -> list[Markup]:
    """Names above the middle of groups that lie together, moved apart where they would overlap."""
    everyone = np.array(places)
    medians: list[tuple[float, float, str]] = []
    for group, name in names.items():
        own = everyone[[point.group == group for point in points]]
        if len(own) >= _ENOUGH and _spread(own) <= _COMPACT * _spread(everyone):
            medians.append((float(np.quantile(own[:, 1], 0.08)) - _ABOVE, float(np.median(own[:, 0])), name))
    drawn: list[tuple[float, float, str]] = []
    for y, x, name in sorted(medians):
        above = [line for line, at, other in drawn if abs(at - x) < _LETTER * (len(name) + len(other)) / 2]
        drawn.append((max([y, _LINE, *(line + _LINE for line in above)]), x, name))
    return [element("text", name, x=x, y=y, text_anchor="middle", class_="group") for y, x, name in drawn]


def _spread(points: np.ndarray) -> float:
    return float(np.median(np.linalg.norm(points - np.median(points, axis=0), axis=1)))
