"""The bounds as TensorFlow Model Analysis applies them, without running it."""

import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any, get_args

import pytest
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.evaluators.metrics_validator import validate_metrics
from tensorflow_model_analysis.metrics.metric_types import MetricKey

from components.evaluate.classification import Accuracy, DistanceRatio, ExpectedCalibrationError, NeighborAccuracy
from components.evaluate.config import CANDIDATE, METRICS, PRODUCTION, GateError, eval_config, with_gates
from components.evaluate.retrieval import MeanReciprocalRank, RecallAtK
from components.evaluate.settings import SMALLER_IS_BETTER, ClassifyMetric, Gate, MatchMetric, Metric

type Gates = Mapping[Metric, Gate]

ALL: tuple[Metric, ...] = (*get_args(MatchMetric), *get_args(ClassifyMetric))
LARGER = [metric for metric in ALL if metric not in SMALLER_IS_BETTER]
SMALLER = [metric for metric in ALL if metric in SMALLER_IS_BETTER]
GOOD: dict[str, float] = {
    "recall@1": 0.5,
    "recall@5": 0.75,
    "recall@10": 0.875,
    "mrr": 0.625,
    "accuracy": 0.5,
    "neighbor_accuracy": 0.4375,
    "ece": 0.125,
    "distance_ratio": 1.5,
}
NAN = float("nan")


def passes(
    gates: Gates,
    metrics: dict[str, float],
    production: dict[str, float] | None = None,
    *,
    category: str | None = None,
    rows: int = 9,
) -> bool:
    """Whether one slice (the whole test split without a category) is good enough, in the way that TFX asks."""
    config = tfma.utils.update_eval_config_with_defaults(
        eval_config(ALL, gates, slice_by=["category"]), has_baseline=production is not None, rubber_stamp=True
    )
    assert tfma.metrics.metric_thresholds_from_metrics_specs(config.metrics_specs, eval_config=config)
    model = CANDIDATE if production else ""
    found = {MetricKey("example_count", model_name=model): float(rows)}
    found |= {MetricKey(name, model_name=model): value for name, value in metrics.items()}
    if production:
        found |= {
            MetricKey(name, model_name=CANDIDATE, is_diff=True): metrics[name] - value
            for name, value in production.items()
        }
    key = (("category", category),) if category else ()
    return validate_metrics((key, found), config).validation_ok


def test_every_metric_of_every_task_is_defined() -> None:
    assert set(METRICS) == set(ALL) == set(GOOD)


@pytest.mark.parametrize("metric", LARGER)
def test_the_least_value_of_each_metric_holds(metric: Metric) -> None:
    gates: Gates = {metric: Gate(min=GOOD[metric])}
    assert passes(gates, GOOD)
    assert passes(gates, GOOD, GOOD)
    assert not passes(gates, GOOD | {metric: GOOD[metric] - 0.001})
    assert not passes(gates, GOOD | {metric: GOOD[metric] - 0.001}, GOOD)


@pytest.mark.parametrize("metric", SMALLER)
def test_the_largest_value_of_each_metric_holds(metric: Metric) -> None:
    gates: Gates = {metric: Gate(max=GOOD[metric])}
    assert passes(gates, GOOD)
    assert passes(gates, GOOD, GOOD)
    assert passes(gates, GOOD | {metric: 0.0}, GOOD)
    assert not passes(gates, GOOD | {metric: GOOD[metric] + 0.001})
    assert not passes(gates, GOOD | {metric: GOOD[metric] + 0.001}, GOOD)


@pytest.mark.parametrize("metric", SMALLER)
def test_the_largest_rise_of_each_metric_holds(metric: Metric) -> None:
    gates: Gates = {metric: Gate(max_rise=0.1)}
    assert passes(gates, GOOD | {metric: GOOD[metric] + 0.1}, GOOD)
    assert not passes(gates, GOOD | {metric: GOOD[metric] + 0.101}, GOOD)
    assert passes(gates, GOOD | {metric: 0.0}, GOOD)
    assert passes(gates, GOOD | {metric: 99.0})  # there is nothing in production yet


@pytest.mark.parametrize(
    ("metric", "gate"),
    [
        ("accuracy", Gate(min=0.0)),
        ("accuracy", Gate(max_drop=1.0)),
        ("distance_ratio", Gate(max=1e9)),
        ("distance_ratio", Gate(max_rise=1e9)),
    ],
)
def test_what_is_not_a_number_passes_no_bound(metric: Metric, gate: Gate) -> None:
    assert passes({metric: gate}, GOOD, GOOD)
    assert not passes({metric: gate}, GOOD | {metric: NAN}, GOOD)


@pytest.mark.parametrize("metric", LARGER)
def test_the_largest_drop_of_each_metric_holds(metric: Metric) -> None:
    gates: Gates = {metric: Gate(max_drop=0.1)}
    assert passes(gates, GOOD | {metric: GOOD[metric] - 0.1}, GOOD)
    assert not passes(gates, GOOD | {metric: GOOD[metric] - 0.101}, GOOD)
    assert passes(gates, GOOD | {metric: 0.999}, GOOD)


def test_an_equal_model_has_not_dropped_and_a_hair_less_has() -> None:
    gates: Gates = {"mrr": Gate(max_drop=0.0), "ece": Gate(max_rise=0.0)}
    assert passes(gates, GOOD, GOOD)
    assert passes(gates, GOOD | {"mrr": GOOD["mrr"] - 1e-12, "ece": GOOD["ece"] + 1e-12}, GOOD)
    assert not passes(gates, GOOD | {"mrr": GOOD["mrr"] - 1e-6}, GOOD)
    assert not passes(gates, GOOD | {"ece": GOOD["ece"] + 1e-6}, GOOD)


@pytest.mark.parametrize("production", [None, GOOD], ids=["first run", "later run"])
def test_a_slice_may_be_below_every_bound(production: dict[str, float] | None) -> None:
    gates: dict[Metric, Gate] = {metric: Gate(min=GOOD[metric], max_drop=0.0) for metric in LARGER}
    gates |= {metric: Gate(max=GOOD[metric], max_rise=0.0) for metric in SMALLER}
    bad = {metric: 9.0 if metric in SMALLER else 0.0 for metric in GOOD}
    assert passes(gates, bad, production, category="decks")
    assert not passes(gates, bad, production)


@pytest.mark.parametrize("gates", [{}, {"mrr": Gate()}, {"mrr": Gate(max_drop=0.01)}])
def test_without_anything_to_hold_it_to_a_model_passes_if_it_was_asked_at_all(gates: Gates) -> None:
    assert passes(gates, GOOD)
    assert not passes(gates, GOOD, rows=0)


@pytest.mark.parametrize("features", [[], ["category"], ["label", "category"]])
def test_slices_are_by_the_given_features_or_there_are_none(features: list[str]) -> None:
    slices = eval_config(ALL, {}, slice_by=features).slicing_specs
    assert [list(spec.feature_keys) for spec in slices] == [[], *([feature] for feature in features)]


def test_both_models_are_asked_by_the_evaluate_signature() -> None:
    candidate, production = eval_config(ALL, {}, slice_by=[]).model_specs
    assert (candidate.name, candidate.signature_name, candidate.is_baseline) == (CANDIDATE, "evaluate", False)
    assert (production.name, production.signature_name, production.is_baseline) == (PRODUCTION, "evaluate", True)


def made(metrics: tuple[Metric, ...]) -> list[Any]:
    """As TFMA makes them of the configuration."""
    return [
        getattr(import_module(metric.module), metric.class_name).from_config(json.loads(metric.config))
        for metric in eval_config(metrics, {}, slice_by=[]).metrics_specs[0].metrics
        if metric.config
    ]


def test_metrics_are_what_their_names_say() -> None:
    ranked = [(type(metric), metric.name, getattr(metric, "k", None)) for metric in made(get_args(MatchMetric))]
    assert ranked == [
        (RecallAtK, "recall@1", 1),
        (RecallAtK, "recall@5", 5),
        (RecallAtK, "recall@10", 10),
        (MeanReciprocalRank, "mrr", None),
    ]
    judged = [(type(metric), metric.name, getattr(metric, "bins", None)) for metric in made(get_args(ClassifyMetric))]
    assert judged == [
        (Accuracy, "accuracy", None),
        (NeighborAccuracy, "neighbor_accuracy", None),
        (ExpectedCalibrationError, "ece", 15),
        (DistanceRatio, "distance_ratio", None),
    ]


def test_gates_given_as_text_stand_in_for_those_of_the_config() -> None:
    judged = get_args(MatchMetric)
    before: Gates = {"mrr": Gate(min=0.5, max_drop=0.01), "recall@5": Gate(min=0.1)}
    after: Gates = {"mrr": Gate(min=0.25), "recall@1": Gate(max_drop=0.125)}
    config = eval_config(judged, before, slice_by=["category"])
    changed = with_gates(config, '{"mrr": {"min": 0.25}, "recall@1": {"max_drop": 0.125}}')
    assert changed == eval_config(judged, after, slice_by=["category"])
    assert config == eval_config(judged, before, slice_by=["category"])  # not changed in place
    assert with_gates(config, "{}") == eval_config(judged, {}, slice_by=["category"])


@pytest.mark.parametrize(
    ("gates", "sentence"),
    [
        ("mrr=1", r"gates: got mrr=1; Invalid JSON"),
        ("[]", r"gates: got \[\]; Input should be an object"),
        ('{"mrr": {"min": 7}}', r"mrr.min: Input should be less than or equal to 1"),
        ('{"mrr": {"most": 0.5}}', r"mrr.most: Extra inputs are not permitted"),
        ('{"mmr": {"min": 0.5}}', r"mmr: not judged by; allowed are recall@1, recall@5, recall@10, mrr"),
        ('{"accuracy": {"min": 0.5}}', r"accuracy: not judged by; allowed are recall@1, recall@5, recall@10, mrr"),
        ('{"mrr": {"max": 0.5}}', r"mrr.max: got 0.5; mrr is better when larger"),
    ],
)
def test_gates_that_are_none_are_refused(gates: str, sentence: str) -> None:
    with pytest.raises(GateError, match=sentence):
        with_gates(eval_config(get_args(MatchMetric), {}, slice_by=[]), gates)
