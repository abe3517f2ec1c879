"""A histogram of the ranks of right answers."""

from collections.abc import Sequence

from markupsafe import Markup

from pipeline.report.charts.axes import Scale, y_axis
from pipeline.report.charts.svg import drawing, element, title
from pipeline.report.ranking import RankBin

_WIDTH, _HEIGHT = 390.0, 290.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 36.0, 386.0, 24.0, 222.0
_GAP = 5.0


def rank_chart(bins: Sequence[RankBin]) -> Markup:
    """A column for each bin, and under it the share of questions with such a rank or a better one."""
    highest = max(one.rows for one in bins)
    y = Scale(0, max(highest, 1), _BOTTOM, _TOP)
    step = (_RIGHT - _LEFT) / len(bins)
    columns = (_column(one, _LEFT + place * step, step, y) for place, one in enumerate(bins))
    first = bins[0]
    return drawing(
        _WIDTH,
        _HEIGHT,
        f"Ranks of the right answers: {first.rows} of {sum(one.rows for one in bins)} questions have rank 1",
        y_axis(y, _LEFT, _RIGHT, whole=True),
        element("line", x1=_LEFT, x2=_RIGHT, y1=_BOTTOM, y2=_BOTTOM, class_="axis"),
        *columns,
        element("text", "rank of the right answer", x=_LEFT, y=_BOTTOM + 34, class_="name"),
        element("text", "share of questions up to this rank", x=_LEFT, y=_BOTTOM + 70, class_="name"),
    )


def _column(one: RankBin, left: float, step: float, y: Scale) -> Markup:
    middle, top = left + step / 2, y(one.rows)
    return element(
        "g",
        title(f"rank {one.name}: {one.rows} questions; {one.share_up_to:.0%} up to here"),
        element("rect", x=left + _GAP / 2, width=step - _GAP, y=top, height=_BOTTOM - top, class_="count"),
        element("text", str(one.rows), x=middle, y=top - 4, text_anchor="middle", class_="tick"),
        element("text", one.name, x=middle, y=_BOTTOM + 16, text_anchor="middle", class_="tick"),
        element("text", f"{one.share_up_to:.0%}", x=middle, y=_BOTTOM + 53, text_anchor="middle", class_="tick"),
    )
