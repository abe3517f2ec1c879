"""SVG elements, escaped."""

from markupsafe import Markup, escape


def element(tag: str, *children: str | Markup, **attributes: str | float | None) -> Markup:
    """One element; what is not Markup is escaped.

    Args:
        tag: its name.
        *children: texts and elements inside it.
        **attributes: `class_` is `class`, `stroke_width` is `stroke-width`; numbers are rounded to 0.01, none is left
            out.

    >>> element("text", "a < b", x=1.0, text_anchor="end")
    Markup('<text x="1" text-anchor="end">a &lt; b</text>')
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(_NAMES.get(name, name.rstrip("_").replace("_", "-")), _value(value))
        for name, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(escape(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(tag, written, inside)


def drawing(width: float, height: float, title: str, *children: Markup) -> Markup:
    """A whole picture of its own, with words for those who do not see it."""
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
        role="img",
        aria_label=title,
    )


def path(points: list[tuple[float, float]]) -> str:
    """A line through points, in the words of the attribute `d`."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def title(text: str) -> Markup:
    """What browsers show when the pointer rests on the element around it."""
    return element("title", text)


_NAMES = {"viewBox": "viewBox"}


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
