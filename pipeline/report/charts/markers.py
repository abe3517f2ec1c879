"""Markers that differ in colour and in shape, so that a legend does not hang on colour alone."""

from markupsafe import Markup

from pipeline.report.charts.svg import element

COLORS = 8
SHAPES = 3
MOST = COLORS * SHAPES
"""Groups that get a marker of their own; all others share a small dot."""


def marker(number: int | None, x: float, y: float, size: float = 4.0) -> Markup:
    """The marker of a group.

    Args:
        number: of the group, from 0; none for those without a marker of their own.
        x: place.
        y: place.
        size: half its width.
    """
    if number is None:
        return element("circle", cx=x, cy=y, r=size * 0.65, class_="m other")
    name = f"m c{number % COLORS}"
    shape = (number % COLORS + number // COLORS) % SHAPES
    if shape == 0:
        return element("circle", cx=x, cy=y, r=size, class_=name)
    if shape == 1:
        side = size * 1.75
        return element("rect", x=x - side / 2, y=y - side / 2, width=side, height=side, class_=name)
    reach = size * 1.25
    corners = [(0.0, -reach), (reach, reach * 0.8), (-reach, reach * 0.8)]
    return element("polygon", points=" ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners), class_=name)
