"""Scales from values to places, and where to put ticks."""

import math
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.report.charts.svg import element

_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Scale:
    """Linear, from values to places on the drawing."""

    low: float
    high: float
    start: float
    """Place of `low`."""
    stop: float
    """Place of `high`."""

    def __call__(self, value: float) -> float:
        """Place of a value."""
        span = self.high - self.low
        return self.start + (self.stop - self.start) * ((value - self.low) / span if span else 0.5)

    def ticks(self, about: int) -> list[float]:
        """Round values inside the scale, some `about` many.

        >>> Scale(0, 1, 0, 100).ticks(5)
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
        """
        step = nice_step((self.high - self.low) / about)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(number * step, 10) for number in range(first, last + 1)]


def nice_step(rough: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that is at least `rough`.

    >>> nice_step(0.17), nice_step(0.21), nice_step(30)
    (0.2, 0.25, 50.0)
    """
    if rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(round(step * power, 12) for step in _STEPS if step * power >= rough * (1 - 1e-9))


def outer(values: list[float], about: int) -> tuple[float, float]:
    """Bounds around values, both of them ticks of a scale with some `about` many."""
    low, high = min(values), max(values)
    step = 0.0
    while step != (wider := nice_step((high - low) / about or abs(high) or 1.0)):  # wider bounds may take a wider step
        step = wider
        low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return low, high


def tick_text(value: float, step: float) -> str:
    """A tick with as many decimals as the step between ticks needs.

    >>> tick_text(0.5, 0.25), tick_text(2000, 500)
    ('0.50', '2000')
    """
    decimals = max(0, -math.floor(math.log10(step))) if step else 0
    if step and abs(step * 10**decimals - round(step * 10**decimals)) > 1e-6:  # noqa: PLR2004  2.5 needs one more
        decimals += 1
    return f"{value:.{decimals}f}".replace("-", "−")


def y_axis(scale: Scale, left: float, right: float, about: int = 4, *, whole: bool = False) -> Markup:
    """Horizontal grid lines, each with its value at the left; where `whole`, of whole numbers only."""
    ticks = [tick for tick in scale.ticks(about) if not whole or tick == int(tick)]
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    return Markup("").join(
        element("line", x1=left, x2=right, y1=scale(tick), y2=scale(tick), class_="grid")
        + element("text", tick_text(tick, step), x=left - 7, y=scale(tick) + 3.5, text_anchor="end", class_="tick")
        for tick in ticks
    )


def x_axis(scale: Scale, ticks: list[float], y: float, name: str) -> Markup:
    """A line at the bottom with ticks under it, and what they are."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    line = element("line", x1=scale.start, x2=scale.stop, y1=y, y2=y, class_="axis")
    marks = (
        element("line", x1=scale(tick), x2=scale(tick), y1=y, y2=y + 4, class_="axis")
        + element("text", tick_text(tick, step), x=scale(tick), y=y + 16, text_anchor="middle", class_="tick")
        for tick in ticks
    )
    label = element("text", name, x=(scale.start + scale.stop) / 2, y=y + 33, text_anchor="middle", class_="name")
    return line + Markup("").join(marks) + label
