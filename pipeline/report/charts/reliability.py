"""A reliability diagram: accuracy over confidence, and below it how many predictions each bin has."""

from markupsafe import Markup

from pipeline.report.calibration import Bin, Calibration
from pipeline.report.charts.axes import Scale, x_axis, y_axis
from pipeline.report.charts.svg import drawing, element, title

_WIDTH, _HEIGHT = 420.0, 478.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 50.0, 404.0, 14.0, 330.0
_BARS_TOP, _BARS_BOTTOM = 362.0, 434.0


def reliability_chart(calibration: Calibration) -> Markup:
    """Of each bin the accuracy with its 95 % interval, at the mean confidence; calibrated ones lie on the diagonal."""
    x = Scale(0, 1, _LEFT, _RIGHT)
    y = Scale(0, 1, _BOTTOM, _TOP)
    filled = [one for one in calibration.bins if one.rows]
    highest = max((one.rows for one in filled), default=1)
    bars = Scale(0, highest, _BARS_BOTTOM, _BARS_TOP)
    return drawing(
        _WIDTH,
        _HEIGHT,
        f"Reliability diagram of {calibration.rows} predictions, expected calibration error {calibration.ece:.3f}",
        y_axis(y, _LEFT, _RIGHT, 5),
        element("line", x1=_LEFT, x2=_RIGHT, y1=_BOTTOM, y2=_BOTTOM, class_="axis"),
        element("line", x1=x(0), y1=y(0), x2=x(1), y2=y(1), class_="diagonal"),
        element("text", "right as often as it says", transform=_along(x(0.02), y(0.02) - 7, x, y), class_="note faint"),
        *(_bar(one, x, y) for one in filled),
        *(_dot(one, x, y) for one in filled),
        _turned("accuracy", (_TOP + _BOTTOM) / 2),
        *(_count(one, x, bars) for one in filled),
        _turned("rows", (_BARS_TOP + _BARS_BOTTOM) / 2),
        x_axis(x, x.ticks(5), _BARS_BOTTOM, "confidence: probability of the predicted label"),
    )


def _bar(one: Bin, x: Scale, y: Scale) -> Markup:
    left, width, top = x(one.low) + 1, x(one.high) - x(one.low) - 2, y(one.accuracy)
    return element("rect", x=left, width=width, y=top, height=y(0) - top, class_="share")


def _dot(one: Bin, x: Scale, y: Scale) -> Markup:
    place = x(one.confidence)
    low, high = one.interval
    return element(
        "g",
        title(
            f"confidence {one.confidence:.3f}, accuracy {one.accuracy:.3f}"
            f" (95 % interval {low:.2f} to {high:.2f}), {one.rows} rows"
        ),
        element("line", x1=place, x2=place, y1=y(low), y2=y(high), class_="whisker"),
        element("circle", cx=place, cy=y(one.accuracy), r=4, class_="dot validation"),
    )


def _count(one: Bin, x: Scale, bars: Scale) -> Markup:
    left, width = x(one.low) + 1, x(one.high) - x(one.low) - 2
    top = bars(one.rows)
    return element("rect", x=left, width=width, y=top, height=_BARS_BOTTOM - top, class_="count") + element(
        "text", str(one.rows), x=left + width / 2, y=top - 3, text_anchor="middle", class_="tick small"
    )


def _turned(text: str, y: float) -> Markup:
    return element("text", text, transform=f"translate(13 {y:.1f}) rotate(-90)", text_anchor="middle", class_="name")


def _along(left: float, top: float, x: Scale, y: Scale) -> str:
    angle = -45.0 * (abs(y.stop - y.start) / abs(x.stop - x.start))
    return f"translate({left:.1f} {top:.1f}) rotate({angle:.1f})"
