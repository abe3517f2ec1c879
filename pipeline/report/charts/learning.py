"""One quantity over the epochs."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from pipeline.report.charts.axes import Scale, outer, x_axis, y_axis
from pipeline.report.charts.svg import drawing, element, path, title
from pipeline.report.curves import Curve

_WIDTH, _HEIGHT = 300.0, 216.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 38.0, 292.0, 26.0, 174.0
_FEW = 12


def learning_chart(curve: Curve) -> Markup:
    """Training rows as a dashed line, validation rows as a solid one, the best epoch marked."""
    series = [("train", curve.train), ("validation", curve.validation)]
    finite = [value for _, values in series for value in values if math.isfinite(value)]
    epochs = max(len(curve.train), len(curve.validation))
    if not finite:
        return Markup("")
    x = Scale(1, max(epochs, 2), _LEFT + 6, _RIGHT)
    y = Scale(*_bounds(finite), _BOTTOM, _TOP)
    return drawing(
        _WIDTH,
        _HEIGHT,
        _words(curve, epochs),
        y_axis(y, _LEFT, _RIGHT),
        x_axis(x, _ticks(x, epochs), _BOTTOM, "epoch"),
        _best(curve, x, y),
        *(_line(name, values, x, y) for name, values in series if values),
    )


def _bounds(values: list[float]) -> tuple[float, float]:
    low, high = outer(values, 4)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _ticks(x: Scale, epochs: int) -> list[float]:
    if epochs <= _FEW:
        return [float(epoch) for epoch in range(1, epochs + 1)]
    return [1.0, *(tick for tick in x.ticks(6) if tick > 1 and tick == int(tick))]


def _line(name: str, values: Sequence[float], x: Scale, y: Scale) -> Markup:
    points = [(x(epoch), y(value)) for epoch, value in enumerate(values, 1) if math.isfinite(value)]
    if not points:
        return Markup("")
    dots = Markup("")
    if len(points) <= _FEW:
        dots = Markup("").join(element("circle", cx=cx, cy=cy, r=2.2, class_=f"dot {name}") for cx, cy in points)
    return element("path", d=path(points), class_=f"line {name}") + dots


def _best(curve: Curve, x: Scale, y: Scale) -> Markup:
    """A vertical line at the best epoch, its name above, and the value reached there."""
    if not curve.best_epoch:
        return Markup("")
    place = x(curve.best_epoch)
    values = curve.validation or curve.train
    near_end = place > (_LEFT + _RIGHT) / 2
    value = values[curve.best_epoch - 1] if curve.best_epoch <= len(values) else math.nan
    text = f"best epoch {curve.best_epoch}" + (f": {value:.3f}" if math.isfinite(value) else "")
    line = element("line", x1=place, x2=place, y1=_TOP - 6, y2=_BOTTOM, class_="best")
    anchor = "end" if near_end else "start"
    shift = 4 if near_end else -4
    name = element("text", text, x=place + shift, y=_TOP - 11, text_anchor=anchor, class_="note")
    if not math.isfinite(value):
        return line + name
    return line + name + element("circle", title(text), cx=place, cy=y(value), r=4.5, class_="best-dot")


def _words(curve: Curve, epochs: int) -> str:
    ends = [
        f"{name} from {values[0]:.3f} to {values[-1]:.3f}"
        for name, values in (("train", curve.train), ("validation", curve.validation))
        if values
    ]
    best = f"; best epoch {curve.best_epoch}" if curve.best_epoch else ""
    return f"{curve.name} over {epochs} epochs: {', '.join(ends)}{best}"
