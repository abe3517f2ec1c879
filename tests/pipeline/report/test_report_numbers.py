"""Calibration, confusion, cases, ranking, distribution, curves, figures: literal values and oracles."""

import math
from pathlib import Path

import numpy as np
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.evaluate.classification import expected_calibration_error
from components.evaluate.verdict import Verdict
from pipeline.report.calibration import calibration, wilson
from pipeline.report.cases import RIGHT_SHOWN, WRONG_SHOWN, choose_cases
from pipeline.report.confusion import Pair, confusion
from pipeline.report.curves import curves
from pipeline.report.distribution import MOST, distribution, read_counts
from pipeline.report.figures import decisions, figures, weak_slices
from pipeline.report.ranking import choose_questions, rank_histogram
from tests.pipeline.report.building import HISTORY, HOSTILE, METRICS, facts, verdict


@pytest.mark.parametrize("bins", [1, 4, 15])
def test_the_error_is_the_one_that_gates_use(bins: int) -> None:
    random = np.random.default_rng(3)
    confidence = np.concatenate([random.random(200), np.linspace(0, 1, bins + 1)])  # edges as well
    correct = random.random(len(confidence)) < confidence**2
    found = calibration(confidence, correct, bins)
    assert found.ece == pytest.approx(expected_calibration_error(confidence, correct, bins), abs=1e-12)
    assert sum(one.rows for one in found.bins) == found.rows == len(confidence)


def test_bins_of_a_reliability_diagram() -> None:
    found = calibration(np.array([0.5, 0.45, 0.9, np.nan]), np.array([1, 0, 1, 1]), 2)
    low, high = found.bins
    assert (low.low, low.high, low.rows, low.accuracy) == (0, 0.5, 2, 0.5)  # 0.5 belongs to the lower one
    assert low.confidence == pytest.approx(0.475)
    assert (high.rows, high.accuracy, high.confidence) == (1, 1, 0.9)
    assert found.rows == 3
    assert found.ece == pytest.approx((2 * 0.025 + 0.1) / 3)


def test_no_predictions_have_no_error() -> None:
    found = calibration(np.array([np.nan]), np.array([1]))
    assert math.isnan(found.ece)
    assert len(found.bins) == 15


def test_wilson_intervals_stay_between_0_and_1() -> None:
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0, 1) == pytest.approx((0, 0.7935), abs=1e-4)
    assert wilson(3, 3)[1] == 1


def test_confusion_counts_right_labels_down_and_predicted_ones_across() -> None:
    found = confusion(["b10", "b9", "b9", "b9", "b10"], ["b9", "b9", "c", "c", "b9"])
    assert found.labels == ("b9", "b10", "c")
    assert found.counts.tolist() == [[1, 0, 2], [2, 0, 0], [0, 0, 0]]
    assert found.pairs == (Pair("b10", "b9", 2, 2), Pair("b9", "c", 2, 3))


def test_cases_of_every_kind_are_shown_mistakes_first() -> None:
    correct = np.array([1, 0, 1, 0, 1, 0])
    neighbors = np.array([1, 1, 0, 0, 1, 1])
    confidence = np.array([0.9, 0.3, 0.8, 0.7, 0.6, 0.4])
    chosen = choose_cases(correct, neighbors, confidence, [("a", "b")] * 6, seed=1)
    assert list(chosen) == ["wrong", "label wrong", "neighbors wrong", "right"]
    assert [list(group.rows) for group in chosen.values()][:3] == [[3], [5, 1], [2]]
    assert sorted(chosen["right"].rows) == [0, 4]


def test_different_mistakes_come_before_repeats_of_one() -> None:
    rows = 3 * WRONG_SHOWN
    pairs = [("a", "b")] * (rows - 1) + [("a", "c")]
    confidence = np.linspace(0.9, 0.1, rows)
    zeros = np.zeros(rows)
    chosen = choose_cases(zeros, zeros, confidence, pairs, seed=1)["wrong"]
    assert list(chosen.rows) == [0, rows - 1, *range(1, WRONG_SHOWN - 1)]
    assert chosen.all == rows


def test_right_rows_are_drawn_by_the_seed_one_of_each_label_first() -> None:
    pairs = [("a", "a")] * 50 + [("b", "b"), ("c", "c")]
    ones = np.ones(52)
    chosen = [choose_cases(ones, ones, ones, pairs, seed)["right"].rows for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]
    assert {pairs[row][0] for row in chosen[0][:3]} == {"a", "b", "c"}
    assert len(chosen[0]) == RIGHT_SHOWN


def test_ranks_are_counted_once_each() -> None:
    bins = rank_histogram(np.array([1, 1, 2, 4, 5, 6, 10, 101]))
    assert [(one.name, one.rows) for one in bins] == [
        ("1", 2),
        ("2", 1),
        ("3", 0),
        ("4–5", 2),
        ("6–10", 2),
        ("11–20", 0),
        ("21–100", 0),
        ("> 100", 1),
    ]
    assert [one.share_up_to for one in bins] == [0.25, 0.375, 0.375, 0.625, 0.875, 0.875, 0.875, 1]


def test_a_histogram_has_no_empty_tail() -> None:
    assert [one.name for one in rank_histogram(np.array([1, 1]))] == ["1", "2", "3", "4–5", "6–10"]
    assert [one.name for one in rank_histogram(np.array([1, 12]))][-1] == "11–20"


def test_worst_and_best_questions_are_different_ones() -> None:
    ranks = np.array([1, 9, 1, 9, 4, 9, 1, 1])
    scores = np.array([0.7, 0.3, 0.8, 0.2, 0.1, 0.1, 0.9, 0.6])
    pairs = [
        (b"q0", b"a"),
        (b"q1", b"a"),
        (b"q2", b"a"),
        (b"q3", b"b"),
        (b"q4", b"b"),
        (b"q3", b"c"),
        (b"q6", b"c"),
        (b"q6", b"d"),
    ]
    worst, best = choose_questions(ranks, scores, pairs)
    assert worst == [5, 1, 4]  # q3 once, by its lower score
    assert best == [6, 2]  # each question and each answer once


def test_few_labels_keep_their_order_and_many_are_put_together() -> None:
    few = distribution("label", {"train": {"10": 3, "9": 1}, "test": {"9": 5}})
    assert [(share.name, share.total, dict(share.rows)) for share in few.shares] == [
        ("9", 6, {"train": 1, "test": 5}),
        ("10", 3, {"train": 3, "test": 0}),
    ]
    assert few.rest is None
    many = distribution("label", {"train": {f"l{number}": number for number in range(1, MOST + 11)}})
    assert [share.total for share in many.shares[:2]] == [MOST + 10, MOST + 9]
    assert many.rest is not None
    assert len(many.shares) == MOST - 1
    assert many.rest.name == "11 others of 1 to 11 rows each"
    assert many.rest.total == 66


def test_counts_come_from_the_statistics_of_a_split(tmp_path: Path) -> None:
    statistics = statistics_pb2.DatasetFeatureStatisticsList()
    for feature, counts in (("group", {"x": 9.0}), ("label", {"a": 2.0, "b": 5.0})):
        one = statistics.datasets.add() if not statistics.datasets else statistics.datasets[0]
        added = one.features.add()
        added.path.step.append(feature)
        for label, rows in counts.items():
            added.string_stats.rank_histogram.buckets.add(label=label, sample_count=rows)
    file = tmp_path / "FeatureStats.pb"
    file.write_bytes(statistics.SerializeToString())
    assert read_counts(file, "label") == {"a": 2, "b": 5}
    assert read_counts(file, "category") == {}


def test_curves_pair_training_with_validation_and_come_validated_first() -> None:
    found = curves(HISTORY, 2)
    assert [(curve.name, curve.train, curve.validation) for curve in found] == [
        ("accuracy", (0.5, 0.75, 0.875), (0.25, 0.625, 0.5)),
        ("cross_entropy", (), (1.5, 1.25, 1.375)),
        ("loss", (2.0, 1.0, 0.5), ()),
    ]
    assert {curve.best_epoch for curve in found} == {2}


def test_a_loss_that_is_its_only_part_is_not_shown_twice() -> None:
    assert [curve.name for curve in curves({"loss": [2.0, 1.0], "cross_entropy": [2.0, 1.0]}, 1)] == ["cross_entropy"]
    assert [curve.name for curve in curves({"loss": [2.0, 1.0]}, 1)] == ["loss"]


def test_a_change_is_better_or_worse_by_the_direction_of_its_metric() -> None:
    by_name = {figure.name: figure for figure in figures(verdict(), METRICS)}
    assert (by_name["accuracy"].change, by_name["accuracy"].change_is) == (pytest.approx(-0.05), "worse")
    assert (by_name["ece"].change, by_name["ece"].change_is) == (pytest.approx(-0.05), "better")
    assert (by_name["accuracy"].reference, by_name["ece"].reference) == (0.85, None)


def test_without_production_nothing_changed() -> None:
    alone = Verdict.model_validate(verdict().model_dump() | {"production": None, "production_version": None})
    assert {(figure.production, figure.change_is) for figure in figures(alone, METRICS)} == {(None, "")}


def test_decisions_end_with_the_serving_check() -> None:
    assert [one.passed for one in decisions(facts())] == [False, True, True]
    refused = decisions(facts(serves=False, refusal="search is not finite"))[-1]
    assert (refused.text, refused.passed) == ("does not serve: search is not finite", False)
    assert len(decisions(facts(serves=None))) == 2


def test_weak_slices_are_below_the_whole_with_rows_enough() -> None:
    found = weak_slices(verdict(), METRICS)
    assert [(one.name, one.rows, one.values[0]) for one in found.rows] == [(HOSTILE, 20, 0.7), ("weak", 8, 0.8)]
    assert found.metrics == ("accuracy", "neighbor_accuracy", "ece")  # no slice has the last one
    assert (found.whole, found.slices) == (0.9, 3)
