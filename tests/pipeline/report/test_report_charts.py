import math
from xml.etree import ElementTree

import numpy as np
import pytest
from markupsafe import Markup

from pipeline.report.calibration import calibration
from pipeline.report.charts.axes import Scale, outer, tick_text
from pipeline.report.charts.heat import heat_chart
from pipeline.report.charts.learning import learning_chart
from pipeline.report.charts.markers import COLORS, MOST, marker
from pipeline.report.charts.ranks import rank_chart
from pipeline.report.charts.reliability import reliability_chart
from pipeline.report.charts.scatter import Point, scatter_chart
from pipeline.report.charts.svg import element
from pipeline.report.confusion import confusion
from pipeline.report.curves import Curve
from pipeline.report.projection import FEWEST_FOR_TSNE, Projection, project
from pipeline.report.projection import MOST as MOST_POINTS
from pipeline.report.ranking import rank_histogram
from pipeline.report.vectors_map import vectors_map
from tests.pipeline.report.building import HOSTILE


def parse(chart: Markup) -> ElementTree.Element:
    return ElementTree.fromstring(str(chart))  # noqa: S314  our own


def of_class(chart: Markup, name: str) -> list[ElementTree.Element]:
    return [one for one in parse(chart).iter() if name in one.get("class", "").split()]


def texts(chart: Markup) -> list[str]:
    return [one.text or "" for one in parse(chart).iter("text")]


def number(found: ElementTree.Element, name: str) -> float:
    return float(found.get(name, "nan"))


def test_elements_escape_texts_and_attributes() -> None:
    found = parse(element("text", HOSTILE, aria_label='"&', x=1.005, y=None))
    assert (found.text, found.attrib) == (HOSTILE, {"aria-label": '"&', "x": "1"})


@pytest.mark.parametrize("values", [[0.0, 1.0], [0.397, 0.476], [8.3, 0.03], [2.0, 2.0], [0.0, 0.0], [-3.0, 700.0]])
def test_outer_bounds_hold_the_values_and_are_ticks(values: list[float]) -> None:
    low, high = outer(values, 4)
    assert low <= min(values)
    assert max(values) <= high
    if low < high:
        ticks = Scale(low, high, 0, 1).ticks(4)
        assert (ticks[0], ticks[-1]) == pytest.approx((low, high))
        assert 2 <= len(ticks) <= 6


def test_ticks_have_the_decimals_that_tell_them_apart() -> None:
    assert [tick_text(tick, 0.025) for tick in (0.4, 0.425)] == ["0.400", "0.425"]
    assert tick_text(-10, 5) == "−10"


def test_learning_curves_go_up_where_values_rise_and_mark_the_best_epoch() -> None:
    chart = learning_chart(Curve("accuracy", (0.25, 0.5, 0.75), (0.5, 0.75, 0.25), 2))
    train, validation = of_class(chart, "line")
    heights = [float(point.split()[1]) for point in train.get("d", "")[1:].split("L")]
    assert heights[0] > heights[1] > heights[2]  # down is up in SVG
    assert validation.get("class") == "line validation"
    (best,) = of_class(chart, "best-dot")
    second = of_class(chart, "dot")[-2]
    assert (number(best, "cx"), number(best, "cy")) == (number(second, "cx"), number(second, "cy"))
    assert "best epoch 2: 0.750" in texts(chart)


def test_learning_curves_live_with_what_is_no_number_and_with_one_epoch() -> None:
    gap = learning_chart(Curve("loss", (1.0, math.nan, 0.5), (), 0))
    (line,) = of_class(gap, "line")
    assert line.get("d", "").count("L") == 1
    assert not of_class(gap, "best")
    assert learning_chart(Curve("loss", (math.nan,), (), 1)) == ""
    assert len(of_class(learning_chart(Curve("loss", (2.0,), (), 1)), "line")) == 1
    diverged = learning_chart(Curve("loss", (1.0, math.nan), (), 2))
    assert "best epoch 2" in texts(diverged)


def test_a_reliability_diagram_has_a_dot_where_confidence_meets_accuracy() -> None:
    chart = reliability_chart(calibration(np.array([0.5, 0.5, 1.0, 1.0]), np.array([1, 0, 1, 1])))
    half, whole = of_class(chart, "dot")
    (diagonal,) = of_class(chart, "diagonal")
    middle = (number(diagonal, "x1") + number(diagonal, "x2")) / 2
    assert number(half, "cx") == middle  # calibrated: on the diagonal
    assert number(half, "cy") == (number(diagonal, "y1") + number(diagonal, "y2")) / 2
    assert (number(whole, "cx"), number(whole, "cy")) == (number(diagonal, "x2"), number(diagonal, "y2"))
    assert [number(bar, "height") for bar in of_class(chart, "count")] == [72, 72]
    assert "expected calibration error 0.000" in parse(chart).get("aria-label", "")


def test_a_reliability_diagram_of_nothing_is_empty() -> None:
    chart = reliability_chart(calibration(np.array([]), np.array([])))
    assert not of_class(chart, "dot")


def test_columns_of_ranks_are_as_high_as_their_counts() -> None:
    chart = rank_chart(rank_histogram(np.array([1, 1, 1, 1, 2, 2, 3, 30])))
    heights = [number(bar, "height") for bar in of_class(chart, "count")]
    assert [height / heights[0] for height in heights] == pytest.approx([1, 0.5, 0.25, 0, 0, 0, 0.25])
    assert "21–100" in texts(chart)
    assert "88%" in texts(chart)


def test_a_heat_chart_has_a_cell_for_every_pair_that_occurred() -> None:
    chart = heat_chart(confusion(["a", "a", HOSTILE], ["a", HOSTILE, HOSTILE]))
    assert sorted(cell.get("class", "") for cell in of_class(chart, "heat")) == ["heat right"] * 2 + ["heat wrong"]
    cells = {(number(cell, "x"), number(cell, "y")): number(cell, "fill-opacity") for cell in of_class(chart, "heat")}
    assert sorted(cells.values()) == pytest.approx([0.62, 0.62, 1.0], abs=0.01)
    assert f"a taken for {HOSTILE}: 1 of 2" in [one.text for one in parse(chart).iter("title")]


def test_markers_of_groups_differ_in_colour_or_shape() -> None:
    kinds = {(found.tag, found.get("class")) for found in (parse(marker(place, 5, 5)) for place in range(MOST))}
    assert len(kinds) == MOST
    neighbors = [parse(marker(place, 5, 5)) for place in range(COLORS)]
    assert len({found.get("class") for found in neighbors}) == COLORS
    assert len({found.tag for found in neighbors}) == 3
    assert parse(marker(None, 5, 5)).get("class") == "m other"


def test_a_scatter_keeps_directions_and_rings_what_is_wrong() -> None:
    places = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0]])
    points = [Point(0, HOSTILE), Point(1, "right"), Point(None, "top", ringed=True)]
    chart = scatter_chart(Projection("PCA", places, np.arange(3), (0.5, 0.25)), points, {0: "a", 1: "b"})
    (first,), (second,), (other,) = of_class(chart, "c0"), of_class(chart, "c1"), of_class(chart, "other")
    assert number(second, "x") > number(first, "cx")
    assert number(other, "cy") < number(first, "cy")
    (ring,) = of_class(chart, "ring")
    assert (number(ring, "cx"), number(ring, "cy")) == (number(other, "cx"), number(other, "cy"))
    assert HOSTILE in [one.text for one in parse(chart).iter("title")]


def clusters(rows: int, dimensions: int = 8) -> tuple[np.ndarray, list[str]]:
    """Three clusters far from each other."""
    random = np.random.default_rng(5)
    kinds = np.arange(rows) % 3
    vectors = np.eye(dimensions)[kinds] + 0.05 * random.normal(size=(rows, dimensions))
    return vectors, [f"group {kind}" for kind in kinds]


@pytest.mark.parametrize(("rows", "method"), [(FEWEST_FOR_TSNE - 1, "PCA"), (90, "t-SNE")])
def test_a_projection_keeps_clusters_apart_and_is_the_same_each_time(rows: int, method: str) -> None:
    vectors, groups = clusters(rows)
    found, again = project(vectors, 1), project(vectors, 1)
    assert found is not None
    assert again is not None
    assert found.method == method
    np.testing.assert_array_equal(found.points, again.points)
    kinds = np.array([int(group[-1]) for group in groups])
    middles = np.stack([found.points[kinds == kind].mean(axis=0) for kind in range(3)])
    nearest = np.linalg.norm(found.points[:, np.newaxis] - middles, axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest, kinds)


def test_a_projection_leaves_out_what_is_no_number_and_draws_a_sample_of_many() -> None:
    vectors, _ = clusters(FEWEST_FOR_TSNE - 10)
    vectors[4, 2] = np.nan
    found = project(vectors, 1)
    assert found is not None
    assert 4 not in found.rows
    assert len(found.points) == len(found.rows) == len(vectors) - 1
    assert MOST_POINTS == 1_000


@pytest.mark.parametrize(
    "vectors", [np.ones((50, 4)), np.full((50, 4), np.nan), np.eye(2), np.random.default_rng(0).random((9, 1))]
)
def test_there_is_no_projection_where_there_is_nothing_to_see(vectors: np.ndarray) -> None:
    assert project(vectors, 1) is None


def test_the_map_names_groups_and_puts_rare_ones_together() -> None:
    vectors, groups = clusters(36)
    groups[0], groups[1] = "rare", ""
    wrong = np.zeros(36, bool)
    wrong[7] = True
    found = vectors_map(
        vectors,
        groups,
        [f"row {row}" for row in range(36)],
        wrong,
        what="rows",
        by="label",
        ring="wrong",
        seed=1,
        fewest=2,
    )
    assert found is not None
    assert [(entry.name, entry.rows) for entry in found.legend] == [
        ("group 0", 11),
        ("group 1", 11),
        ("group 2", 12),
        ("all others", 2),
    ]
    assert (found.method, found.rows, found.ringed) == ("PCA", 36, "wrong")
    assert {"group 0", "group 1", "group 2"} == set(texts(found.chart))
    assert len(of_class(found.chart, "ring")) == 1
