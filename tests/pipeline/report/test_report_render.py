import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from pipeline.report import render as module
from pipeline.report.calibration import calibration
from pipeline.report.confusion import confusion
from pipeline.report.page import Classified
from pipeline.report.render import render
from tests.pipeline.report.building import HOSTILE, classified, matched, page

VOID = {"meta", "link", "img", "br"}
STYLE = (Path(module.__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")


class Document(HTMLParser):
    """What a browser would see: tags in balance, attributes, texts outside of the style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += f"{data} "

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("result", [classified(), matched()], ids=["classify", "match"])
def test_the_page_is_well_formed_and_has_what_every_reader_needs(result: Classified) -> None:
    document = Document(render(page(result)))
    assert document.all("html") == [{"lang": "en"}]
    assert len(document.all("h1")) == 1
    assert all(image["alt"] for image in document.all("img"))
    assert all(head.get("scope") in ("col", "row") for head in document.all("th"))
    assert all(chart["aria-label"] for chart in document.all("svg") if chart.get("role") == "img")
    anchors = {link["href"] for link in document.all("a")}
    sections = {f"#{section['id']}" for section in document.all("section")}
    assert anchors == sections
    ids = Counter(attributes["id"] for _, attributes in document.tags if "id" in attributes)
    assert max(ids.values()) == 1


@pytest.mark.parametrize("result", [classified(), matched()], ids=["classify", "match"])
def test_the_page_needs_no_other_file_and_runs_nothing(result: Classified) -> None:
    html = render(page(result))
    document = Document(html)
    assert not document.all("script")
    loaded = [value for _, attributes in document.tags for name, value in attributes.items() if name in ("src", "href")]
    assert all(str(value).startswith(("data:", "#")) for value in loaded)
    assert not [name for _, attributes in document.tags for name in attributes if name.startswith("on")]
    assert "http:" not in html
    assert "https:" not in html
    assert "url(" not in html
    assert "@import" not in html


@pytest.mark.parametrize(("result", "times"), [(classified(), 9), (matched(), 8)], ids=["classify", "match"])
def test_texts_of_users_are_text(result: Classified, times: int) -> None:
    html = render(page(result))
    assert "<script" not in html
    assert Document(html).text.count(HOSTILE) >= times


def test_figures_gates_and_lineage_are_told() -> None:
    text = " ".join(Document(render(page())).text.split())
    assert "✗ refused by gate" in text
    assert "1 min 35 s" in text
    assert "✗ refused accuracy 0.900 is -0.050 against 0.950 in production, may fall by 0.010" in text
    assert "✓ passed neighbor_accuracy 0.800, at least 0.500 wanted" in text
    assert "✓ passed serves by gRPC and REST" in text
    assert "accuracy larger is better 0.900 0.950 −0.050 worse 0.850" in text
    assert "ece smaller is better 0.700 0.750 −0.050 better –" in text
    assert "train 70 70.0 %" in text
    assert "1,234,567 parameters; 3 epochs, of which number 2 was the best" in text
    assert "20260203-040506-1" in text
    assert "abc123" in text
    assert "num_files:3" in text
    assert "A seeded sample of 2 of the 60 test rows." in text


def test_what_is_missing_leaves_no_empty_section() -> None:
    bare = page(ingest=None, distribution=None, training=None, sampled=None, production_version=None, reference=None)
    document = Document(render(bare))
    assert [section["id"] for section in document.all("section")] == ["verdict", "slices", "lineage"]
    assert "No version was in production" in document.text


def test_a_right_answer_that_was_not_among_the_first_is_shown_with_its_rank() -> None:
    text = " ".join(Document(render(page(matched()))).text.split())
    assert "✗ rank 7 1 0.250 " + HOSTILE + " 2 0.125 Indeed. ✓ right as well" in text
    assert "7 −0.500 The answer wanted. ✓ right answer" in text
    assert "✓ rank 1 1 0.500 Yes. ✓ right answer" in text


@pytest.mark.parametrize(("labels", "cells"), [(2, 4), (16, 256), (17, 0), (50, 0)])
def test_few_labels_make_a_table_and_many_a_picture_and_the_pairs(labels: int, cells: int) -> None:
    wanted = [f"label {number}" for number in range(labels)]
    predicted = [*wanted[1:], wanted[0]]
    result = Classified(calibration(np.ones(labels), np.zeros(labels)), confusion(wanted, predicted), [])
    document = Document(render(page(result)))
    classes = [str(cell.get("class")) for cell in document.all("td")]
    assert sum(name.startswith(("n right", "n wrong")) for name in classes) == cells
    heats = [rect for rect in document.all("rect") if str(rect.get("class")).startswith("heat")]
    assert len(heats) == (0 if cells else labels)
    assert f"{min(labels, 15)}" in document.text
    assert ("other pairs" in document.text) == (labels > 15)


def colors(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w]+): (#[0-9a-f]{6});", block))


def luminance(color: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


LIGHT = colors(STYLE[: STYLE.index("@media")])
DARK = LIGHT | colors(STYLE[STYLE.index("prefers-color-scheme: dark") : STYLE.index("box-sizing")])


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_texts_and_markers_stand_out(scheme: dict[str, str]) -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    for name in ("ink", "soft", "accent", "good", "bad"):
        assert contrast(scheme[name], scheme["bg"]) >= 4.5, name
        assert contrast(scheme[name], scheme["panel"]) >= 4.5, name
    assert contrast(scheme["ink"], scheme["warm"]) >= 4.5
    for name in (*(f"c{number}" for number in range(8)), "muted"):
        assert contrast(scheme[name], scheme["panel"]) >= 3, name


def test_both_schemes_define_every_colour_that_is_used() -> None:
    used = set(re.findall(r"var\(--(\w+)\)", STYLE)) - {"share"}
    assert used <= set(LIGHT)
    assert set(LIGHT) == set(colors(STYLE[STYLE.index("prefers-color-scheme: dark") : STYLE.index("box-sizing")]))
