"""A confusion matrix of many labels, as shades."""

from markupsafe import Markup

from pipeline.report.charts.svg import drawing, element, title
from pipeline.report.confusion import Confusion
from pipeline.report.show import shorten

_CELL, _NAMES, _TOP, _NAME_LENGTH = 15.0, 124.0, 26.0, 20


def heat_chart(confusion: Confusion) -> Markup:
    """A row for each right label, a column for each predicted one in the same order, shaded by the share of the row."""
    size = len(confusion.labels)
    totals = confusion.counts.sum(axis=1)
    cells = [
        _cell(confusion, row, column, int(totals[row]))
        for row in range(size)
        for column in range(size)
        if confusion.counts[row, column]
    ]
    names = [
        element(
            "text",
            shorten(label, _NAME_LENGTH),
            x=_NAMES - 6,
            y=_TOP + (row + 0.5) * _CELL + 3.5,
            text_anchor="end",
            class_="tick small",
        )
        for row, label in enumerate(confusion.labels)
    ]
    side = size * _CELL
    return drawing(
        _NAMES + side + 4,
        _TOP + side + 4,
        f"Confusion of {size} labels; the pairs confused most are in the table",
        element("text", "predicted label, in the same order", x=_NAMES, y=14, class_="name"),
        element("rect", x=_NAMES, y=_TOP, width=side, height=side, class_="frame"),
        *names,
        *cells,
    )


def _cell(confusion: Confusion, row: int, column: int, total: int) -> Markup:
    rows = int(confusion.counts[row, column])
    share = rows / total
    right = "right" if row == column else "wrong"
    return element(
        "rect",
        title(f"{confusion.labels[row]} taken for {confusion.labels[column]}: {rows} of {total}"),
        x=_NAMES + column * _CELL + 0.5,
        y=_TOP + row * _CELL + 0.5,
        width=_CELL - 1,
        height=_CELL - 1,
        class_=f"heat {right}",
        fill_opacity=0.25 + 0.75 * share,
    )
