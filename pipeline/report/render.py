"""The page as HTML."""

import datetime
import math
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.report.charts.heat import heat_chart
from pipeline.report.charts.learning import learning_chart
from pipeline.report.charts.ranks import rank_chart
from pipeline.report.charts.reliability import reliability_chart
from pipeline.report.page import Page

_FOLDER = Path(__file__).parent / "templates"
_MINUTE = 60


def render(page: Page) -> str:
    """One HTML file that needs no other; every text in it is escaped."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "signed": signed, "count": count, "duration": duration, "moment": moment}
    environment.globals |= {
        "learning_chart": learning_chart,
        "reliability_chart": reliability_chart,
        "rank_chart": rank_chart,
        "heat_chart": heat_chart,
        "style": Markup((_FOLDER / "style.css").read_text(encoding="utf-8")),  # noqa: S704  our own file
    }
    return environment.get_template("report.html.j2").render(page=page)


def number(value: float | None) -> str:
    """Three decimals; a dash for what is undefined.

    >>> number(0.12345), number(-0.0001), number(float("nan"))
    ('0.123', '0.000', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    return f"{round(value, 3) + 0.0:.3f}".replace("-", "−")


def signed(value: float | None) -> str:
    """Three decimals and always a sign.

    >>> signed(0.5), signed(-0.25)
    ('+0.500', '−0.250')
    """
    if value is None or not math.isfinite(value):
        return "–"
    return f"{round(value, 3) + 0.0:+.3f}".replace("-", "−")


def count(value: float) -> str:
    """A whole number with its thousands apart.

    >>> count(1234567)
    '1,234,567'
    """
    return f"{value:,.0f}"


def duration(seconds: float) -> str:
    """Seconds, from one minute on minutes as well.

    >>> duration(3.14159), duration(125)
    ('3.1 s', '2 min 5 s')
    """
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE)} s"


def moment(value: datetime.datetime) -> str:
    """Date and time here."""
    return f"{value.astimezone():%Y-%m-%d %H:%M}"
