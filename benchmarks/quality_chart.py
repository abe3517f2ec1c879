"""Recall@1 by data set and row, as an SVG file that is readable on light and on dark pages."""

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup

from benchmarks.ranking import Figures
from pipeline.report.charts.axes import Scale, outer, y_axis
from pipeline.report.charts.svg import element, title

METRIC = "recall@1"

_LIGHT = ("#a3abb5", "#6b7480", "#c2570c", "#2f6db5", "#0a7f8c", "#1f8550", "#7350b8", "#b8306b")
_DARK = ("#79828d", "#a9b2bd", "#f09347", "#6fabf0", "#4cc3d0", "#57c48a", "#b79af0", "#f07fae")
"""Greys for what learns nothing, orange for the original, then ours; the report's colours."""

_LEFT, _TOP, _HEIGHT, _BOTTOM, _END = 44.0, 58.0, 330.0, 290.0, 12.0
_COLUMN, _APART = 20.0, 26.0
_LEGEND = 140.0

type Runs = Sequence[Figures]


def quality_chart(results: Mapping[str, Mapping[str, Runs]], rows: Sequence[str]) -> Markup:
    """A group of columns for each data set, a column for each row: the mean, with a whisker of a standard deviation.

    Args:
        results: figures of every run, by data set and row.
        rows: all there are, in the order of their colours.
    """
    shown = [row for row in rows if any(row in found for found in results.values())]
    group = _COLUMN * len(shown) + _APART
    right = _LEFT + max(group * len(results), _LEGEND * len(shown))
    group = (right - _LEFT) / len(results)
    values = [_spread(runs) for found in results.values() for runs in found.values()]
    y = Scale(0, outer([0.0, *(mean + deviation for mean, deviation in values)], 5)[1], _BOTTOM, _TOP)
    parts = [
        element("style", Markup(_css())),  # noqa: S704  made here
        element("rect", width=right + _END, height=_HEIGHT, class_="page"),
        _legend(shown, rows),
        y_axis(y, _LEFT, right, about=5),
    ]
    for place, (name, found) in enumerate(results.items()):
        left = _LEFT + place * group
        start = left + (group - _COLUMN * len(shown)) / 2
        parts += [
            _column(f"{name}, {row}", runs, start + shown.index(row) * _COLUMN, y, rows.index(row))
            for row, runs in found.items()
        ]
        parts.append(element("text", name, x=left + group / 2, y=_BOTTOM + 22, text_anchor="middle", class_="name"))
    parts.append(element("line", x1=_LEFT, x2=right, y1=_BOTTOM, y2=_BOTTOM, class_="axis"))
    width = right + _END
    return element(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {_HEIGHT:g}",
        width=width,
        height=_HEIGHT,
        role="img",
        aria_label=f"{METRIC} of held-out questions by data set and encoder",
    )


def _spread(runs: Runs) -> tuple[float, float]:
    values = [run[METRIC] for run in runs]
    return float(np.mean(values)), float(np.std(values))


def _column(name: str, runs: Runs, left: float, y: Scale, color: int) -> Markup:
    mean, deviation = _spread(runs)
    middle, low, high = left + _COLUMN / 2, y(max(mean - deviation, 0)), y(mean + deviation)
    return element(
        "g",
        title(f"{name}: {METRIC} {mean:.3f} ± {deviation:.3f}"),
        element("rect", x=left + 1, width=_COLUMN - 2, y=y(mean), height=_BOTTOM - y(mean), class_=_class(color)),
        element("path", d=f"M{middle:.1f} {low:.1f}V{high:.1f}", class_="whisker"),
        element("text", f"{mean:.2f}".lstrip("0"), x=middle, y=high - 5, text_anchor="middle", class_="tick"),
    )


def _legend(shown: Sequence[str], rows: Sequence[str]) -> Markup:
    return Markup("").join(
        element("rect", x=_LEFT + place * _LEGEND, y=30, width=11, height=11, rx=2, class_=_class(rows.index(row)))
        + element("text", row, x=_LEFT + 16 + place * _LEGEND, y=39.5, class_="legend")
        for place, row in enumerate(shown)
    ) + element("text", f"{METRIC} of held-out questions", x=_LEFT, y=18, class_="name")


def _class(color: int) -> str:
    return f"c{color % len(_LIGHT)}"


def _css() -> str:
    def scheme(page: str, ink: str, soft: str, line: str, colors: Sequence[str]) -> str:
        fills = "".join(f".c{number}{{fill:{color}}}" for number, color in enumerate(colors))
        strokes = f".grid{{stroke:{line}}}.axis{{stroke:{soft}}}.whisker{{stroke:{ink};fill:none}}"
        return f".page{{fill:{page}}}.tick{{fill:{soft}}}.name,.legend{{fill:{ink}}}{strokes}{fills}"

    light = scheme("#ffffff", "#1b1f24", "#59626d", "#dfe2e6", _LIGHT)
    dark = scheme("#1b1f25", "#e7e9ec", "#a3acb7", "#343b44", _DARK)
    font = "text{font:11px system-ui,sans-serif}.tick{font-size:10px}.name{font-weight:600}"
    return f"{font}{light}@media (prefers-color-scheme:dark){{{dark}}}"
